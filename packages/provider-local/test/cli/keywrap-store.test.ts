import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { withAuditLog } from '@keywrap/provider-local/file-store';
import { LocalKeyWrapProvider } from '@keywrap/provider-local/old-keys';
import { expect } from 'chai';
import {
  newRecord,
  openStore,
  PASSPHRASE,
  recordFile,
  snapshot,
  useFolder,
} from '../file-store/support.js';

const COMMAND = fileURLToPath(import.meta.resolve('#dist/cli/keywrap-store.js'));

describe('keywrap-store', function () {
  this.timeout(60_000);
  const folder = useFolder();
  const env = { ...process.env, OLD: PASSPHRASE, NEW: 'the next one' };
  const OLD = ['--passphrase-env', 'OLD'];

  function run(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { status, stdout, stderr };
  }

  it('says how it is used', () => {
    const { status, stdout, stderr } = run('--help');
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    for (const word of ['backup FOLDER FILE', '--passphrase-file', 'exit status', '--generation']) {
      expect(stdout).to.include(word);
    }
    expect(run('list', '-h').stdout).to.equal(stdout);
    for (const line of stdout.split('\n')) expect(line.length).to.be.at.most(105);
  });

  it('refuses what it does not know, with a hint and status 2', () => {
    for (const args of [
      [],
      ['shred', '/x'],
      ['list'],
      ['backup', '/x'],
      ['list', '/x', '/y'],
      ['list', '/x', '--force'],
      ['list', '/x', '--passphrase-file'],
      ['verify', '/x', '--generation', 'new'],
      ['constructor', '/x'],
    ]) {
      const { status, stdout, stderr } = run(...args);
      expect({ status, stdout }, args.join(' ')).to.deep.equal({ status: 2, stdout: '' });
      expect(stderr).to.match(/^keywrap-store: .*--help.*\n$/);
    }
    expect(run('list', '/x', '--passphrase=secret').stderr).not.to.include('secret');
  });

  it('makes a store, once', async () => {
    expect(run('create', folder.path, ...OLD)).to.include({ status: 0, stderr: '' });
    const before = await snapshot(folder.path);
    const again = run('create', folder.path, ...OLD);
    expect(again).to.include({ status: 1 });
    expect(again.stderr).to.include('holds a key store already');
    expect(await snapshot(folder.path)).to.deep.equal(before);
  });

  it('lists keys in aligned columns, or as JSON without material', async () => {
    const store = await openStore(folder.path);
    const record = newRecord('a-key', { creationDate: new Date('2026-03-04T05:06:07Z') });
    await store.changeKey('a-key', () => record);
    await store.changeKey('b', () =>
      newRecord('b', {
        keySpec: 'ECC_NIST_P256',
        keyState: 'PendingDeletion',
        deletionDate: new Date('2026-05-06T00:00:00Z'),
        pendingMaterial: { version: 2, material: new Uint8Array(32) },
        details: 'beside',
      }),
    );
    await store.changeAlias('alias/orders', () => 'a-key');
    const { status, stdout, stderr } = run('list', folder.path, ...OLD);
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    expect(stdout.replaceAll(/2026-01-02/g, '2026-03-04')).to.equal(
      [
        'KEY ID  SPEC               STATE            CREATED     DELETION    MATERIALS  ALIASES',
        'a-key   SYMMETRIC_DEFAULT  Enabled          2026-03-04              1          alias/orders',
        'b       ECC_NIST_P256      PendingDeletion  2026-03-04  2026-05-06  1',
        '',
      ].join('\n'),
    );
    const json = JSON.parse(run('list', folder.path, ...OLD, '--json').stdout);
    expect(json[0]).to.include({ id: 'a-key', materials: 1 });
    expect(json[1]).to.include({ pendingMaterial: 2, details: 'beside' });
    expect(JSON.stringify(json)).not.to.include('material"');
  });

  it('verifies a store and its audit logs, with status 3 for damage', async () => {
    const store = await openStore(folder.path);
    const provider = new LocalKeyWrapProvider({ store, keys: ['alias/a', 'alias/b'] });
    const audited = withAuditLog(provider, await store.openAuditLog());
    await audited.listKeys();
    await audited.close();
    const sound = run('verify', folder.path, ...OLD);
    expect(sound).to.deep.equal({
      status: 0,
      stdout: 'generation 5: 2 keys, 0 damaged; 1 audit logs of 3 lines, 0 damaged\n',
      stderr: '',
    });
    const older = run('verify', folder.path, ...OLD, '--generation', '6');
    expect(older).to.include({ status: 3 });
    expect(older.stdout).to.include('an old copy was put back');

    const [log] = await readdir(path.join(folder.path, 'audit'));
    const logFile = path.join(folder.path, 'audit', log as string);
    await writeFile(logFile, (await readFile(logFile, 'utf8')).replace('"ok"', '"no"'));
    const file = await recordFile(folder.path);
    await writeFile(file, 'x');
    const damaged = run('verify', folder.path, ...OLD);
    expect(damaged).to.include({ status: 3 });
    expect(damaged.stdout).to.include(file).and.include(`audit log ${log} was changed at line 2`);
    const json = run('verify', folder.path, ...OLD, '--json');
    expect(json).to.include({ status: 3 });
    expect(JSON.parse(json.stdout)).to.deep.include({ sound: false, keys: 2 });
  });

  it('backs up to a private file, and restores from it', async () => {
    const store = await openStore(folder.path);
    await store.changeKey('a', () => newRecord('a'));
    const file = `${folder.path}.kwsb`;
    expect(run('backup', folder.path, file, ...OLD)).to.include({ status: 0, stderr: '' });
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect(run('backup', folder.path, file, ...OLD).stderr).to.include('exists already');
    const restored = `${folder.path}-restored`;
    const { status, stdout } = run('restore', restored, file, ...OLD);
    expect({ status, stdout }).to.deep.equal({
      status: 0,
      stdout: `restored 1 keys of generation 2 to ${restored}\n`,
    });
    expect(await (await openStore(restored)).readKey('a')).to.deep.equal(await store.readKey('a'));
    expect(run('restore', restored, file, ...OLD)).to.include({ status: 1 });
    expect(run('restore', `${restored}-2`, `${file}-none`, ...OLD).stderr).to.include('ENOENT');
  });

  it('changes the passphrase', async () => {
    await openStore(folder.path);
    const NEW = ['--new-passphrase-env', 'NEW'];
    expect(run('rotate-passphrase', folder.path, ...OLD, ...NEW)).to.include({ status: 0 });
    const denied = run('list', folder.path, ...OLD);
    expect(denied).to.include({ status: 4, stdout: '' });
    expect(denied.stderr).to.include('the passphrase does not open').and.not.include(PASSPHRASE);
    expect(run('list', folder.path, '--passphrase-env', 'NEW')).to.include({ status: 0 });
  });

  it('saves a key from its deletion', async () => {
    const store = await openStore(folder.path);
    const deletionDate = new Date('2099-01-01T00:00:00Z');
    await store.changeKey('a', () => newRecord('a', { keyState: 'PendingDeletion', deletionDate }));
    expect(run('cancel-deletion', folder.path, 'a', ...OLD)).to.include({ status: 0, stderr: '' });
    expect(await store.readKey('a')).to.include({ keyState: 'Disabled' });
    expect(await store.readKey('a')).not.to.have.property('deletionDate');
    expect(run('cancel-deletion', folder.path, 'a', ...OLD)).to.include({ status: 1 });
    expect(run('cancel-deletion', folder.path, 'none', ...OLD).stderr).to.include('no key');
  });

  it('says where a passphrase is missing', async () => {
    await openStore(folder.path);
    for (const [args, text] of [
      [[], 'no terminal'],
      [
        ['--passphrase-file', '/nowhere/secret'],
        'could not read the passphrase from /nowhere/secret',
      ],
      [['--passphrase-env', 'KEYWRAP_TEST_UNSET'], 'KEYWRAP_TEST_UNSET'],
      [[...OLD, '--passphrase-file', '/dev/null'], 'exactly one source'],
      [['--passphrase-file', '/dev/null'], 'is empty'],
    ] as const) {
      const { status, stderr } = run('list', folder.path, ...args);
      expect(status).to.equal(1);
      expect(stderr).to.include(text);
    }
  });

  it('refuses a wrong folder before it asks for anything', () => {
    for (const action of ['list', 'verify', 'rotate-passphrase']) {
      const { status, stderr } = run(action, folder.path);
      expect(status).to.equal(1);
      expect(stderr).to.include('is not a key store');
    }
  });

  it('asks on the terminal, and shows nothing of what is typed', async function () {
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
    const store = await openStore(folder.path);
    for (const id of ['a', 'b']) await store.changeKey(id, () => newRecord(id));
    const right = await type([`${PASSPHRASE}x\u007f\r`], 'verify', folder.path);
    expect(right.shown)
      .to.include('generation 3')
      .and.include('1 of 2 keys')
      .and.not.include('horse');
    expect(right.status).to.equal(0);
    const differing = await type(['one\r', 'two\r'], 'create', `${folder.path}-new`);
    expect(differing.shown).to.include('typed differently').and.not.include('two');
    expect((await type(['a\u0003'], 'verify', folder.path)).shown).to.include('was not given');
  });
});
