import { chmod, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Run } from './run-command.js';
import { CREDENTIALS, contentsOf, makeStore, newKey, PASSPHRASE, post, start } from './support.js';

describe('keywrap-kms', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keywrap-kms-'));
  });
  after(() => rm(folder, { recursive: true }));
  // A test that failed would leave some.
  afterEach(() => Run.killAll());

  const file = async (name: string, contents: string) => {
    const path = join(folder, name);
    await writeFile(path, contents, { mode: 0o600 });
    return path;
  };

  it('prints its URL in one line, serves its seed, logs each request, and stops on SIGTERM', async () => {
    const seed = await file('keys.json', '[{ "alias": "alias/orders" }]');
    const run = new Run(
      '--port',
      '0',
      '--seed',
      seed,
      '--region',
      'eu-west-3',
      '--account',
      '123456789012',
    );
    const url = await run.url();
    expect(run.stdout).to.match(/^keywrap-kms is listening on http:\/\/127\.0\.0\.1:\d+\n$/);
    const body = '{"KeyId":"alias/orders","Plaintext":"c2VjcmV0"}';
    const response = await post(url, 'TrentService.Encrypt', body);
    const { KeyId } = JSON.parse(response.text);
    expect(KeyId).to.match(/^arn:aws:kms:eu-west-3:123456789012:key\//);
    await post(url, 'TrentService.Encrypt', '{"KeyId":"none","Plaintext":"c2VjcmV0"}');
    run.child.kill('SIGTERM');
    expect(await run.exitCode()).to.equal(0);
    const [first, second, ...more] = run.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(more).to.deep.equal([]);
    expect(first).to.include({ operation: 'Encrypt', key: 'alias/orders', outcome: 'ok' });
    expect(first.requestId).to.equal(response.headers.get('x-amzn-requestid'));
    expect(first.duration).to.be.a('number');
    expect(second).to.include({ key: 'none', outcome: 'NotFoundException' });
    expect(run.stderr).not.to.include('c2VjcmV0');
  });

  it('finishes running requests before it stops', async () => {
    const run = new Run('--port', '0');
    const url = await run.url();
    const create = post(
      url,
      'TrentService.CreateKey',
      '{"KeySpec":"RSA_3072","KeyUsage":"SIGN_VERIFY"}',
    );
    while (!run.stderr.includes('ListKeys')) await post(url, 'TrentService.ListKeys', '{}');
    run.child.kill('SIGINT');
    expect((await create).status).to.equal(200);
    expect(await run.exitCode()).to.equal(0);
  });

  it('reads credentials from a file, and then may listen for other machines', async () => {
    const credentials = await file('credentials.json', JSON.stringify([CREDENTIALS]));
    const run = new Run('--port', '0', '--host', '0.0.0.0', '--credentials', credentials);
    const { port } = new URL(await run.url());
    const response = await post(`http://127.0.0.1:${port}`, 'TrentService.ListKeys', '{}');
    expect(JSON.parse(response.text).__type).to.equal('MissingAuthenticationTokenException');
    run.child.kill();
    expect(await run.exitCode()).to.equal(0);
  });

  it('keeps its keys in a store, even when it is killed', async () => {
    const passphrase = await file('passphrase', 'correct horse\n');
    const data = join(folder, 'data.db');
    const args = ['--port', '0', '--data', data, '--passphrase-file', passphrase];
    const first = new Run(...args, '--create');
    const url = await first.url();
    const { KeyMetadata } = JSON.parse((await post(url, 'TrentService.CreateKey', '{}')).text);
    const { KeyId } = KeyMetadata;
    const body = JSON.stringify({ KeyId, Plaintext: 'c2VjcmV0' });
    const { CiphertextBlob } = JSON.parse((await post(url, 'TrentService.Encrypt', body)).text);
    first.child.kill('SIGKILL');
    await first.exitCode();

    const second = new Run(...args);
    const again = await second.url();
    const response = await post(again, 'TrentService.Decrypt', JSON.stringify({ CiphertextBlob }));
    expect(JSON.parse(response.text).Plaintext).to.equal('c2VjcmV0');
    second.child.kill('SIGTERM');
    expect(await second.exitCode()).to.equal(0);
  });

  it('opens a store that a group may read where the group is named', async function () {
    if (process.getegid === undefined) this.skip();
    const passphrase = await file('passphrase', PASSPHRASE);
    const data = join(folder, 'group.db');
    await (await makeStore(data)).close();
    await chmod(data, 0o660);
    const args = ['--port', '0', '--data', data, '--passphrase-file', passphrase];
    const refused = new Run(...args);
    expect(await refused.exitCode()).to.equal(4);
    expect(refused.stderr).to.include('can be read or changed by others');
    const run = new Run(...args, '--trusted-group', `${process.getegid()}`);
    await run.url();
    run.child.kill('SIGTERM');
    expect(await run.exitCode()).to.equal(0);
  });

  it('reports a problem with its store, and writes nothing', async () => {
    const passphrase = await file('right', PASSPHRASE);
    const wrong = await file('wrong', 'hunter2');
    const data = join(folder, 'store.db');
    await (await makeStore(data)).close();
    const damaged = join(folder, 'damaged.db');
    const store = await makeStore(damaged);
    const subject = await start({ store });
    await newKey(subject.kms);
    await subject[Symbol.asyncDispose]();
    await store.close();
    await overwritePages(damaged);
    const foreign = await file('thesis.doc', 'text');
    const missing = join(folder, 'missing');
    const before = await contentsOf(folder);
    const right = ['--passphrase-file', passphrase];
    const starts = [
      [['--data', data, '--passphrase-file', wrong], 4, /passphrase/],
      [['--data', damaged, ...right], 3, /restore the store from a backup/],
      [['--data', foreign, '--create', ...right], 3, /thesis.doc is not a database/],
      [['--data', missing, ...right], 1, /missing is not a key store.*check the path/],
      [['--data', data], 1, /passphrase needs exactly one source/],
      [['--data', data, ...right, '--passphrase-env', 'X'], 1, /needs exactly one source/],
      [['--data', data, '--passphrase-env', 'KEYWRAP_NOT_SET'], 1, /KEYWRAP_NOT_SET is missing/],
      [['--data', data, ...right, '--trusted-group', 'x'], 1, /must be the number of a group/],
      [['--create'], 1, /are for --data/],
    ] as const;
    await Promise.all(
      starts.map(async ([args, status, problem]) => {
        const run = new Run('--port', '0', ...args);
        expect(await run.exitCode(), run.stderr).to.equal(status);
        expect(run.stderr)
          .to.match(/^keywrap-kms: .*\n$/)
          .and.match(problem);
        expect(run.stderr).not.to.include('hunter2');
        expect(run.stdout).to.equal('');
      }),
    );
    expect(await contentsOf(folder)).to.deep.equal(before);
  });

  it('prints its usage and its version', async () => {
    const help = new Run('--help');
    expect(await help.exitCode()).to.equal(0);
    expect(help.stdout).to.match(/^Usage: keywrap-kms /);
    const version = new Run('--version');
    expect(await version.exitCode()).to.equal(0);
    expect(version.stdout).to.match(/^\d+\.\d+\.\d+\n$/);
  });

  it('reports wrong arguments in one line', async () => {
    const broken = await file('broken.json', '{"secretAccessKey": "SECRET" nonsense');
    const list = await file('list.json', '[{ "accessKeyId": "a" }]');
    for (const [args, problem] of [
      [['--host', '0.0.0.0'], /without credentials anyone there could use the keys/],
      [['--port', 'x'], /port must be a whole number/],
      [['--region', 'nowhere'], /region must be/],
      [['--account', '1'], /account must be twelve digits/],
      [['--seed', join(folder, 'none')], /--seed .* can not be read/],
      [['--credentials', broken], /--credentials .* is not JSON/],
      [['--credentials', list], /credentials must be a list/],
      [['--unknown'], /Unknown option '--unknown'/],
    ] as const) {
      const run = new Run(...args);
      expect(await run.exitCode()).to.equal(1);
      expect(run.stderr).to.match(problem);
      expect(run.stderr).not.to.match(/SECRET|\n {4}at /);
      expect(run.stdout).to.equal('');
    }
  });
});

/** Overwrites all pages of a database but the first. */
async function overwritePages(path: string): Promise<void> {
  const { size } = await stat(path);
  const handle = await open(path, 'r+');
  await handle.write(Buffer.alloc(size - 4096, 1), 0, size - 4096, 4096);
  await handle.close();
}
