// Ends this process when its parent ends: npm sends SIGTERM to the shell that it starts, which passes it to nobody.
const { ppid } = process;

setInterval(() => {
  if (process.ppid !== ppid) process.kill(process.pid, 'SIGTERM');
}, 250).unref();
