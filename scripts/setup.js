// Makes a fresh clone ready: installs what the lockfile says and builds. Quick when nothing changed.
import { spawnSync } from 'node:child_process';

function run(command, ...args) {
  const { status } = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}

run('node', 'scripts/pnpm.js', '--silent', 'install', '--frozen-lockfile', '--prefer-offline');
run('node', 'node_modules/typescript/bin/tsc', '--build');
run('node', 'scripts/bundle.js');
run('node', 'scripts/commonjs-types.js');
