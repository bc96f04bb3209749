#!/usr/bin/env node
import { runCommand } from './command.js';

let hasUnhandled = false;
// An unhandled rejection would end the run without a report. Its message may be anything, so it is not shown.
process.on('unhandledRejection', (error) => {
  const name = error instanceof Error ? error.name : typeof error;
  process.stderr.write(`unhandled rejection (${name})\n`);
  hasUnhandled = true;
});

let isOver = false;
// A provider that ends the process must not end it with success.
process.on('exit', (code) => {
  if (isOver || (code !== 0 && code !== 13)) return;
  process.stderr.write('keywrap-conformance: the process was ended before the report\n');
  process.exitCode = 2;
});

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // Once: a second one ends the process as usual.
  process.once(name, () => {
    process.stderr.write('stopping after the cases that run now, to clean up the keys\n');
    stop.abort();
  });
}

const code = await runCommand(process.argv.slice(2), process.stdout, process.stderr, stop.signal);
isOver = true;
// A rejection of the last call is reported on a later turn of the event loop.
await new Promise(setImmediate);
// Handles that a provider left open must not keep the process alive; output must be flushed first.
process.stdout.write('', () => process.exit(code === 0 && hasUnhandled ? 1 : code));
