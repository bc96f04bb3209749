import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { missingPostgres, PostgresServer } from '../store/postgres-server.js';
import { PASSPHRASE, useStoreFile } from '../store/support.js';
import { runWith } from './in-process.js';

// The command checks each passphrase as slowly as it does for its users.

const FIRST_FORMAT = fileURLToPath(
  new URL('../../test/store/fixtures/first-format/', import.meta.url),
);

const OLD = ['--passphrase-env', 'OLD'];
const run = (...args: string[]) => runWith({ OLD: PASSPHRASE, NEW: 'the next one' }, ...args);

describe('keywrap-store with a folder of the first format', () => {
  const file = useStoreFile();

  it('imports it, next to it or to a given path', async () => {
    const folder = path.join(file.folder, 'keys');
    await cp(path.join(FIRST_FORMAT, 'provider-local'), folder, { recursive: true });
    const beside = await run('import', `${folder}/`, ...OLD, '--region', 'eu-central-1');
    expect(beside).to.include({ status: 0, stderr: '' });
    expect(beside.stdout).to.include(`imported 8 keys and 6 aliases to ${folder}.db`);
    expect((await run('list', `${folder}.db`, ...OLD)).stdout).to.include('eu-central-1');
    const named = path.join(file.folder, 'named.db');
    expect(await run('import', folder, named, ...OLD)).to.include({ status: 0 });
    expect((await run('list', named, ...OLD)).stdout).to.include('us-east-1');
    expect((await run('import', folder, named, ...OLD)).stderr).to.include(
      'holds a key store already',
    );
    expect((await run('import', folder, `${named}-2`, ...OLD, '--region', 'x')).stderr).to.include(
      'region',
    );
    expect(await run('import', folder, `${named}-2`, '--passphrase-env', 'NEW')).to.include({
      status: 4,
    });
  });
});

describe('keywrap-store with PostgreSQL', function () {
  this.timeout(300_000);
  let server: PostgresServer;
  let folder = '';
  before(async function () {
    const missing = missingPostgres();
    if (missing !== undefined) {
      console.warn(`      not tested: ${missing}`);
      this.skip();
    }
    server = await PostgresServer.start();
    folder = await mkdtemp(path.join(tmpdir(), 'keywrap-store-'));
  });
  after(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('does everything but backups, and shows no password', async () => {
    const url = await server.newUrl();
    const first = path.join(folder, 'keys');
    await cp(path.join(FIRST_FORMAT, 'keywrap-kms'), first, { recursive: true });
    const runs = [
      await run('list', url, ...OLD),
      await run('import', first, url, ...OLD),
      await run('create', url, ...OLD),
      await run('list', url, ...OLD),
      await run('verify', url, ...OLD),
      await run('rotate-passphrase', url, ...OLD, '--new-passphrase-env', 'NEW'),
      await run('list', url, ...OLD),
      await run('backup', url, path.join(folder, 'backup.db'), '--passphrase-env', 'NEW'),
    ];
    expect(runs.map(({ status }) => status)).to.deep.equal([1, 0, 1, 0, 0, 0, 4, 1]);
    expect(runs[0]?.stderr).to.include('is not a key store');
    expect(runs[1]?.stdout).to.match(/imported 8 keys and 3 aliases to postgres:/);
    expect(runs[2]?.stderr).to.include('holds a key store already');
    expect(runs[3]?.stdout).to.include('us-gov-west-1');
    expect(runs[4]?.stdout).to.include('generation 1: 8 keys and 3 aliases, 0 damaged');
    expect(runs[7]?.stderr).to.include('pg_dump');
    const { password } = new URL(url);
    for (const { stdout, stderr } of runs) {
      for (const secret of [password, decodeURIComponent(password)]) {
        expect(stdout + stderr).not.to.include(secret);
      }
    }
  });
});
