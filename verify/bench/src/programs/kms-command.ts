// Started by kms-server-workers with the number of workers: the command keywrap-kms, with a store in a file that is
// removed with it. Prints its URL.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMAND = new URL('cli.js', import.meta.resolve('@keywrap/kms-server'));
const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-bench-'));
const passphrase = path.join(folder, 'passphrase');
await writeFile(passphrase, crypto.randomUUID(), { mode: 0o600 });
const args = ['--port', '0', '--data', path.join(folder, 'keys.db'), '--create'];
const more = ['--passphrase-file', passphrase, '--workers', process.argv[2] ?? '1'];
const child = spawn(process.execPath, [fileURLToPath(COMMAND), ...args, ...more], {
  // It logs every request.
  stdio: ['ignore', 'pipe', 'ignore'],
});
child.stdout.on('data', (chunk) => {
  const [url] = /http:\S+/.exec(String(chunk)) ?? [];
  if (url !== undefined) console.log(url);
});
process.once('SIGTERM', () => child.kill('SIGTERM'));
await once(child, 'exit');
await rm(folder, { recursive: true });
