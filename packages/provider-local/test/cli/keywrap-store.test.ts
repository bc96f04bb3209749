import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { writeCheckpoints } from '@keywrap/provider-local/audit';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { expect } from 'chai';
import { loadSqlite } from '#dist/store/dialects/sqlite-binding.js';
import { FS_GROUP, mountForGroup } from '../store/group-volume.js';
import {
  arnOf,
  CHEAP,
  DATE,
  fullKey,
  newAlias,
  newKey,
  PASSPHRASE,
  putAlias,
  putKey,
  SCOPE,
  useStoreFile,
} from '../store/support.js';
import { runWith } from './in-process.js';

const COMMAND = fileURLToPath(import.meta.resolve('#dist/cli/keywrap-store.js'));
const FIRST_FORMAT = fileURLToPath(
  new URL('../../test/store/fixtures/first-format/', import.meta.url),
);

const PASSPHRASES = { OLD: PASSPHRASE, NEW: 'the next one' };
const run = (...args: string[]) => runWith(PASSPHRASES, ...args);

/** What `list` says where a person reads it. */
const NOT_VERIFIED = 'not verified; run verify to find changed or removed rows\n';

describe('keywrap-store', function () {
  this.timeout(300_000);
  const file = useStoreFile();
  const env = { ...process.env, ...PASSPHRASES };
  const OLD = ['--passphrase-env', 'OLD'];

  /** Runs it as its users do, without a terminal. */
  function start(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { status, stdout, stderr };
  }

  const openStore = (passphrase: string | Uint8Array = PASSPHRASE) =>
    file.open({ protectedBy: { passphrase }, scrypt: CHEAP });

  /** Changes the database behind the back of the store. */
  async function tamper(sql: string): Promise<void> {
    const { DatabaseSync } = await loadSqlite();
    const database = new DatabaseSync(pathToFileURL(file.path), { timeout: 1000 });
    database.exec(sql);
    database.close();
  }

  it('prints its usage', async () => {
    const { status, stdout, stderr } = start('--help');
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    for (const word of [
      'backup STORE FILE',
      'import FOLDER',
      '--passphrase-file',
      'exit status',
      '--generation',
      '--audit-logs',
      '--trusted-group',
      'postgres://',
    ]) {
      expect(stdout).to.include(word);
    }
    expect((await run('list', '-h')).stdout).to.equal(stdout);
    expect((await run('--version')).stdout).to.match(/^\d+\.\d+\.\d+\n$/);
    for (const line of stdout.split('\n')) expect(line.length).to.be.at.most(105);
  });

  it('rejects unknown arguments, with a hint and status 2', async () => {
    for (const [args, problem] of [
      [[], 'no action'],
      [['shred', '/x'], 'shred is not an action'],
      [['constructor', '/x'], 'is not an action'],
      [['list'], 'list takes STORE'],
      [['backup', '/x'], 'backup takes STORE and FILE'],
      [['import'], 'import takes FOLDER and STORE'],
      [['list', '/x', '/y'], 'list takes STORE'],
      [['list', '/x', '--force'], '--force is not an option'],
      [['list', '/x', '--generation', '3'], '--generation is not an option of list'],
      [['list', '/x', '--passphrase-file'], '--passphrase-file needs a value'],
      [['list', '/x', '--json=yes'], '--json takes no value'],
      [[...OLD, '--passphrase-file', 'x', 'list', '/x'], 'pass one of --passphrase-file and'],
      [['verify', '/x', '--generation', 'new'], '--generation takes a number'],
      [['verify', '/x', '--trusted-group', 'wheel'], '--trusted-group takes a number'],
    ] as const) {
      const { status, stdout, stderr } = await run(...args);
      expect({ status, stdout }, args.join(' ')).to.deep.equal({ status: 2, stdout: '' });
      expect(stderr)
        .to.match(/^keywrap-store: .*--help.*\n$/)
        .and.include(problem);
    }
    expect((await run('list', '/x', '--passphrase=secret')).stderr).not.to.include('secret');
  });

  it('makes a store, once', async () => {
    expect(await run('create', file.path, ...OLD)).to.deep.equal({
      status: 0,
      stdout: `created an empty key store: ${file.path}\n`,
      stderr: '',
    });
    expect((await stat(file.path)).mode & 0o777).to.equal(0o600);
    expect((await run('list', file.path, ...OLD)).stderr).to.include('no keys yet');
    const before = await readFile(file.path, 'hex');
    const again = await run('create', file.path, ...OLD);
    expect(again).to.include({ status: 1 });
    expect(again.stderr).to.include('holds a key store already');
    expect(await readFile(file.path, 'hex')).to.equal(before);
  });

  it('lists keys in aligned columns, or as JSON without material', async () => {
    const store = await openStore();
    await putKey(store, newKey('a-key'));
    await putKey(store, fullKey('b'));
    await putAlias(store, newAlias('orders', 'a-key'));
    await putAlias(store, newAlias('archive', 'a-key'));
    const { status, stdout, stderr } = await run('list', file.path, ...OLD);
    expect({ status, stderr }).to.deep.equal({
      status: 0,
      stderr: NOT_VERIFIED,
    });
    expect(stdout).to.equal(
      [
        'REGION     KEY ID  SPEC               STATE            CREATED     DELETION    VERSIONS  ALIASES',
        'eu-west-1  a-key   SYMMETRIC_DEFAULT  Enabled          2026-01-02              1         alias/archive alias/orders',
        'eu-west-1  b       RSA_2048           PendingDeletion  2026-01-02  2026-01-02  3',
        '',
      ].join('\n'),
    );
    const inJson = await run('list', file.path, ...OLD, '--json');
    expect(inJson.stderr).to.equal('');
    const json = JSON.parse(inJson.stdout);
    expect(json[0]).to.include({ arn: arnOf('a-key'), id: 'a-key', versions: 1 });
    expect(json[0].aliases).to.deep.equal(['alias/archive', 'alias/orders']);
    expect(json[1]).to.include({ pendingVersion: 4, primaryRegion: 'eu-west-1', policy: '{}' });
    expect(JSON.stringify(json)).not.to.include('material');
  });

  it('lists more than one page of keys, and stops when its reader does', async () => {
    const keys = Array.from({ length: 1203 }, (_, i) => newKey(`key-${i}`));
    const store = await openStore();
    await store.change({ keys: keys.map(({ id }) => arnOf(id)), aliases: [] }, (change) => {
      for (const key of keys) change.putKey(key);
    });
    const listed = JSON.parse((await run('list', file.path, ...OLD, '--json')).stdout);
    expect(new Set(listed.map(({ id }: { id: string }) => id)).size).to.equal(1203);
    if (process.platform === 'win32') return;
    const command = [process.execPath, COMMAND, 'list', file.path, ...OLD, '--json'].join(' ');
    const { stdout, stderr } = spawnSync('sh', ['-c', `${command} | head -1`], {
      encoding: 'utf8',
      env,
    });
    expect({ stdout, stderr }).to.deep.equal({ stdout: '[\n', stderr: '' });
  });

  it('verifies a store, with status 3 for damage', async () => {
    const store = await openStore();
    for (const id of ['a', 'b']) await putKey(store, newKey(id));
    expect(await run('verify', file.path, ...OLD)).to.deep.equal({
      status: 0,
      stdout: 'generation 2: 2 keys and 0 aliases, 0 damaged\n',
      stderr: '',
    });
    const older = await run('verify', file.path, ...OLD, '--generation', '3');
    expect(older).to.include({ status: 3 });
    expect(older.stdout).to.include('set back: the store is older than generation 3');
    await store.close();

    await tamper("update keywrap_keys set version = 1 where id = 'b'");
    const damaged = await run('verify', file.path, ...OLD);
    expect(damaged).to.include({ status: 3 });
    expect(damaged.stdout).to.include(arnOf('b')).and.include('1 damaged');
    const json = await run('verify', file.path, ...OLD, '--json');
    expect(json).to.include({ status: 3 });
    expect(JSON.parse(json.stdout)).to.deep.include({ sound: false, setBack: false });
    expect(await run('list', file.path, ...OLD)).to.include({ status: 3 });
  });

  it('verifies audit logs, which reveal that the whole store was replaced by an old copy', async () => {
    const logs = path.join(file.folder, 'logs');
    const old = path.join(file.folder, 'old.db');
    const store = await openStore();
    await putKey(store, newKey('a'));
    await store.backup(old);
    const log = await store.openAuditLog({ folder: logs, actor: 'test' });
    await putKey(store, newKey('b'));
    log.write({ operation: 'createKey', outcome: 'ok' });
    const sound = await run('verify', file.path, ...OLD, '--audit-logs', logs);
    expect(sound).to.include({ status: 0, stderr: '' });
    expect(sound.stdout).to.match(/^open: audit log .*\n/);
    expect(sound.stdout).to.include('1 audit log of 2 lines, 0 damaged');
    log.close();
    await store.close();

    await rename(old, file.path);
    expect(await run('verify', file.path, ...OLD)).to.include({ status: 0 });
    const setBack = await run('verify', file.path, ...OLD, '--audit-logs', logs);
    expect(setBack).to.include({ status: 3 });
    expect(setBack.stdout).to.match(/^set back: audit log .* has seen generation 2\n/);

    const [name = ''] = await readdir(logs);
    const logFile = path.join(logs, name);
    await writeFile(logFile, (await readFile(logFile, 'utf8')).replace('"ok"', '"no"'));
    const damaged = await run('verify', file.path, ...OLD, '--audit-logs', logs);
    expect(damaged).to.include({ status: 3 });
    expect(damaged.stdout).to.include(`audit log ${name} was changed at line 2`);
  });

  it('does not call a store sound for audit logs that are not there', async () => {
    await (await openStore()).close();
    const empty = path.join(file.folder, 'empty');
    await mkdir(empty);
    for (const folder of [empty, path.join(file.folder, 'misspelt')]) {
      const result = await run('verify', file.path, ...OLD, '--audit-logs', folder);
      expect(result).to.deep.include({ status: 1, stdout: '' });
      expect(result.stderr).to.include(`--audit-logs names a folder without audit logs: ${folder}`);
    }
  });

  it("does everything on a volume of a trusted group, as with Kubernetes' fsGroup", async function () {
    if (process.platform === 'win32') this.skip();
    const group = [...OLD, '--trusted-group', `${FS_GROUP}`];
    const [logs, checkpoints] = [path.join(file.folder, 'logs'), path.join(file.folder, 'ends')];
    const [backup, copy] = [path.join(file.folder, 'backup'), path.join(file.folder, 'copy.db')];
    const store = await openStore();
    await putKey(store, newKey('a'));
    const log = await store.openAuditLog({
      folder: logs,
      checkpoint: writeCheckpoints(checkpoints),
    });
    log.close();
    await store.close();
    for (const args of [
      ['list', file.path],
      ['verify', file.path, '--audit-logs', logs, '--checkpoints', checkpoints],
      ['backup', file.path, backup],
      ['restore', copy, backup],
      ['rotate-passphrase', copy, '--new-passphrase-env', 'NEW'],
    ]) {
      mountForGroup(file.folder);
      const refused = await run(...args, ...OLD);
      expect(refused.status, refused.stderr).not.to.equal(0);
      expect(refused.stderr).to.include('make it private');
      const stderr = args[0] === 'list' ? NOT_VERIFIED : '';
      expect(await run(...args, ...group)).to.include({ status: 0, stderr });
    }
  });

  it('backs up to a private file, and restores from it', async () => {
    await putKey(await openStore(), newKey('a'));
    const backup = path.join(file.folder, 'backup.db');
    expect(await run('backup', file.path, backup, ...OLD)).to.include({ status: 0, stderr: '' });
    expect((await stat(backup)).mode & 0o777).to.equal(0o600);
    // Before the store is opened, which a wrong passphrase would not do.
    const again = await run('backup', file.path, backup, '--passphrase-env', 'NEW');
    expect(again).to.include({ status: 1 });
    expect(again.stderr).to.include(`FILE ${backup} exists already; name a new file`);
    const restored = path.join(file.folder, 'restored.db');
    expect(await run('restore', restored, backup, ...OLD)).to.deep.equal({
      status: 0,
      stdout: `restored 1 key and 0 aliases to ${restored}\n`,
      stderr: '',
    });
    expect((await run('list', restored, ...OLD)).stdout).to.equal(
      (await run('list', file.path, ...OLD)).stdout,
    );
    expect(await run('restore', restored, backup, ...OLD)).to.include({ status: 1 });
    const missing = await run('restore', `${restored}-2`, `${backup}-none`, ...OLD);
    expect(missing).to.include({ status: 1 });
    expect(missing.stderr).to.include('backup.db-none');
  });

  it('suggests importing a folder, before it asks for anything', async () => {
    const folder = path.join(file.folder, 'keys');
    await cp(path.join(FIRST_FORMAT, 'keywrap-kms'), folder, { recursive: true });
    for (const action of ['list', 'create', 'verify']) {
      const { status, stderr } = await run(action, folder);
      expect(status).to.equal(1);
      expect(stderr).to.include(`keywrap-store import ${folder}`);
    }
    await mkdir(path.join(file.folder, 'other'));
    const other = await run('import', path.join(file.folder, 'other'));
    expect(other.stderr).to.include('holds no key store of files');
  });

  it('changes the passphrase', async () => {
    await (await openStore()).close();
    const NEW = ['--new-passphrase-env', 'NEW'];
    expect(await run('rotate-passphrase', file.path, ...OLD, ...NEW)).to.include({ status: 0 });
    const denied = await run('list', file.path, ...OLD);
    expect(denied).to.include({ status: 4, stdout: '' });
    expect(denied.stderr).to.include('the passphrase does not open').and.not.include(PASSPHRASE);
    expect(await run('list', file.path, '--passphrase-env', 'NEW')).to.include({ status: 0 });
  });

  it('accepts a passphrase file that is not UTF-8', async () => {
    const secret = path.join(file.folder, 'secret');
    await writeFile(secret, Uint8Array.of(0x80, 0xff, 0x0a));
    await (await openStore(Uint8Array.of(0x80, 0xff))).close();
    expect(await run('list', file.path, '--passphrase-file', secret)).to.include({ status: 0 });
    await writeFile(secret, Uint8Array.of(0x81, 0xff));
    expect(await run('list', file.path, '--passphrase-file', secret)).to.include({ status: 4 });
  });

  it('cancels the deletion of a key, by its id or ARN', async () => {
    const store = await openStore();
    const deletionDate = new Date('2099-01-01T00:00:00Z');
    const pending = { keyState: 'PendingDeletion', deletionDate } as const;
    for (const id of ['a', 'b']) await putKey(store, newKey(id, pending));
    const elsewhere = { ...SCOPE, region: 'us-east-1' };
    await putKey(store, newKey('b', { ...pending, scope: elsewhere }));
    await putKey(store, newKey('gone', { ...pending, deletionDate: DATE }));
    expect(await run('cancel-deletion', file.path, 'a', ...OLD)).to.deep.equal({
      status: 0,
      stdout: 'the deletion of key a is cancelled; its state is Disabled\n',
      stderr: '',
    });
    expect(await store.loadKey(arnOf('a'))).to.include({
      keyState: 'Disabled',
      deletionDate: undefined,
    });
    expect(await run('cancel-deletion', file.path, 'a', ...OLD)).to.include({ status: 1 });
    expect((await run('cancel-deletion', file.path, 'none', ...OLD)).stderr).to.include('no key');
    expect((await run('cancel-deletion', file.path, 'gone', ...OLD)).stderr).to.include('deleted');
    expect((await run('cancel-deletion', file.path, 'b', ...OLD)).stderr).to.include('2 Regions');
    expect((await run('cancel-deletion', file.path, 'alias/b', ...OLD)).stderr).to.include(
      'id or ARN',
    );
    expect(await run('cancel-deletion', file.path, arnOf('b'), ...OLD)).to.include({ status: 0 });
    const [here, there] = [
      await store.loadKey(arnOf('b')),
      await store.loadKey(arnOf('b', elsewhere)),
    ];
    expect([here?.keyState, there?.keyState]).to.deep.equal(['Disabled', 'PendingDeletion']);
  });

  it('reports which passphrase is missing', async () => {
    await (await openStore()).close();
    for (const [args, text] of [
      [[], 'the passphrase is needed, and there is no terminal'],
      [
        ['--passphrase-file', '/nowhere/secret'],
        "--passphrase-file names a file that does not exist: '/nowhere/secret'",
      ],
      [['--passphrase-file', file.folder], 'names a folder'],
      [['--passphrase-env', 'KEYWRAP_TEST_UNSET'], 'KEYWRAP_TEST_UNSET'],
      [['--passphrase-file', '/dev/null'], "--passphrase-file names an empty file: '/dev/null'"],
    ] as const) {
      const { status, stderr } = start('list', file.path, ...args);
      expect(status).to.equal(args.length === 0 ? 2 : 1);
      expect(stderr).to.include(text);
    }
  });

  it('reports which new passphrase is missing, by the options of the new one', async () => {
    await (await openStore()).close();
    for (const [args, text] of [
      [
        [],
        'the new passphrase is needed, and there is no terminal to ask on; pass --new-passphrase-file',
      ],
      [
        ['--new-passphrase-file', '/nowhere/secret'],
        "keywrap-store: --new-passphrase-file names a file that does not exist: '/nowhere/secret'",
      ],
      [
        ['--new-passphrase-env', 'KEYWRAP_TEST_UNSET'],
        'new passphrase is not set: the variable KEYWRAP_TEST_UNSET',
      ],
      [['--new-passphrase-file', '/dev/null'], '--new-passphrase-file names an empty file'],
    ] as const) {
      // Before the store is opened, which a wrong passphrase would not do.
      const wrong = ['--passphrase-env', 'NEW'];
      const { status, stderr } = start('rotate-passphrase', file.path, ...wrong, ...args);
      expect(status).to.equal(args.length === 0 ? 2 : 1);
      expect(stderr).to.include(text);
    }
    expect(await run('list', file.path, ...OLD)).to.include({ status: 0 });
  });

  it('rejects a wrong path before it asks for anything', async () => {
    for (const action of ['list', 'verify', 'rotate-passphrase']) {
      const { status, stderr } = await run(action, file.path);
      expect(status).to.equal(1);
      expect(stderr).to.include('is not a key store: it does not exist');
    }
  });

  it('asks on the terminal without echo, and shows progress', async function () {
    /** Runs it on a terminal, and types each answer when it is asked for. */
    async function type(answers: string[], ...args: string[]) {
      const command = [process.execPath, COMMAND, ...args].join(' ');
      const child = spawn('script', ['-qec', command, '/dev/null'], { env });
      let shown = '';
      let asked = 0;
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
        if (shown.split(/passphrase(?:, again)?: /).length - 1 > asked) {
          child.stdin.write(answers[asked++] ?? '\r');
        }
      });
      const [status] = await once(child, 'close');
      return { status: status as number, shown };
    }

    if (spawnSync('script', ['-qec', 'true', '/dev/null']).status !== 0) return this.skip();
    const store = await openStore();
    const keys = Array.from({ length: 500 }, (_, i) => newKey(`key-${i}`));
    await store.change({ keys: keys.map(({ id }) => arnOf(id)), aliases: [] }, (change) => {
      for (const key of keys) change.putKey(key);
    });
    const right = await type([`${PASSPHRASE}x\u007f\u001b[D\u001b[C\r`], 'verify', file.path);
    expect(right.shown)
      .to.include('generation 1: 500 keys')
      .and.match(/verifying rows: \d+ of 500/)
      .and.not.include('horse');
    expect(right.status).to.equal(0);
    const fresh = path.join(file.folder, 'new.db');
    const differing = await type(['one\r', 'two\r'], 'create', fresh);
    expect(differing.shown).to.include('typed differently').and.not.include('two');
    expect((await type(['a\u0003'], 'verify', file.path)).shown).to.include('was not given');
    expect(await SqlKeyStore.isAt(fresh)).to.equal(false);
  });
});
