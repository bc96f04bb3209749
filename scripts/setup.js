// Makes a fresh clone ready: installs what the lockfile says and builds. Quick when nothing changed.
import { spawnSync } from 'node:child_process';

// On standard error, and only for those who asked for it: the output of other scripts is theirs.
const { npm_lifecycle_event: script, npm_config_loglevel: level } = process.env;
const say = script === 'setup' && level !== 'silent' ? console.error : () => {};

function run(command, ...args) {
  const { status } = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}

say('installing ...');
run('node', 'scripts/pnpm.js', '--silent', 'install', '--frozen-lockfile', '--prefer-offline');
say('building ...');
run('node', 'node_modules/typescript/bin/tsc', '--build');
run('node', 'scripts/bundle.js');
run('node', 'scripts/commonjs-types.js');
say('ready');
