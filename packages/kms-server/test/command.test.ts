import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { CREDENTIALS, post } from './support.js';

const COMMAND = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

class Run {
  readonly child: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [COMMAND, ...args]);
    this.child.stdout.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
  }

  /** The URL that it prints when it is ready. */
  async url(): Promise<string> {
    while (!this.stdout.includes('\n')) await once(this.child.stdout, 'data');
    return this.stdout.trim().split(' ').at(-1) as string;
  }

  async exitCode(): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode;
    const [code] = await once(this.child, 'close');
    return code;
  }
}

describe('keywrap-kms', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keywrap-kms-'));
  });
  after(() => rm(folder, { recursive: true }));

  const file = async (name: string, contents: string) => {
    const path = join(folder, name);
    await writeFile(path, contents);
    return path;
  };

  it('prints its URL in one line, serves its seed, logs each request, and stops when it is told to', async () => {
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
    const answer = await post(url, 'TrentService.Encrypt', body);
    const { KeyId } = JSON.parse(answer.text);
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
    expect(first.requestId).to.equal(answer.headers.get('x-amzn-requestid'));
    expect(first.duration).to.be.a('number');
    expect(second).to.include({ key: 'none', outcome: 'NotFoundException' });
    expect(run.stderr).not.to.include('c2VjcmV0');
  });

  it('finishes what is under way before it stops', async () => {
    const run = new Run('--port', '0');
    const url = await run.url();
    const create = post(
      url,
      'TrentService.CreateKey',
      '{"KeySpec":"RSA_4096","KeyUsage":"SIGN_VERIFY"}',
    );
    while (!run.stderr.includes('ListKeys')) await post(url, 'TrentService.ListKeys', '{}');
    run.child.kill('SIGINT');
    expect((await create).status).to.equal(200);
    expect(await run.exitCode()).to.equal(0);
  });

  it('takes credentials from a file, and then listens where others can reach it', async () => {
    const credentials = await file('credentials.json', JSON.stringify([CREDENTIALS]));
    const run = new Run('--port', '0', '--host', '0.0.0.0', '--credentials', credentials);
    const { port } = new URL(await run.url());
    const answer = await post(`http://127.0.0.1:${port}`, 'TrentService.ListKeys', '{}');
    expect(JSON.parse(answer.text).__type).to.equal('MissingAuthenticationTokenException');
    run.child.kill();
    expect(await run.exitCode()).to.equal(0);
  });

  it('prints how it is used, and its version', async () => {
    const help = new Run('--help');
    expect(await help.exitCode()).to.equal(0);
    expect(help.stdout).to.match(/^Usage: keywrap-kms /);
    const version = new Run('--version');
    expect(await version.exitCode()).to.equal(0);
    expect(version.stdout).to.match(/^\d+\.\d+\.\d+\n$/);
  });

  it('says what is wrong with its arguments, in one line', async () => {
    const broken = await file('broken.json', '{"secretAccessKey": "SECRET" nonsense');
    const list = await file('list.json', '[{ "accessKeyId": "a" }]');
    for (const [args, problem] of [
      [['--host', '0.0.0.0'], /without credentials anybody there could use the keys/],
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
