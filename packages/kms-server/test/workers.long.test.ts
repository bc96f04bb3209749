import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { arrived, connectTo, requestText } from './raw-http.js';
import { Run } from './run-command.js';
import { makeStore, PASSPHRASE, useStorePath } from './support.js';

describe('keywrap-kms with workers', () => {
  const file = useStorePath();
  let args: string[];
  beforeEach(async () => {
    await (await makeStore(file.path)).close();
    const passphrase = path.join(path.dirname(file.path), 'passphrase');
    await writeFile(passphrase, PASSPHRASE, { mode: 0o600 });
    args = ['--port', '0', '--data', file.path, '--passphrase-file', passphrase];
  });
  afterEach(() => Run.killAll());

  /** Starts two workers, with a client that takes a new connection for each call. */
  async function startTwo(...more: string[]) {
    const run = new Run(...args, '--workers', '2', ...more);
    const url = await run.url();
    const call = async (operation: string, members: object) => {
      const socket = await connectTo(Number(new URL(url).port));
      const response = arrived(socket, /\r\n\r\n(\{.*\})?$/);
      socket.write(requestText(operation, JSON.stringify(members), ['Connection: close']));
      const [head = '', body = ''] = (await response).split('\r\n\r\n');
      socket.destroy();
      expect(head, `${operation}: ${body}`).to.match(/^HTTP\/1\.1 200/);
      return body === '' ? {} : JSON.parse(body);
    };
    return { run, url, call };
  }

  it('serves one store on one port, creates its seed once, and stops on SIGTERM', async () => {
    const seed = path.join(path.dirname(file.path), 'seed.json');
    await writeFile(seed, '[{"description":"has neither id nor alias"}]');
    const { run, call } = await startTwo('--seed', seed);
    expect(run.stdout.trim().split('\n')).to.have.length(1);
    expect((await call('ListKeys', {})).Keys).to.have.length(1);
    // Connections take turns at the workers: each sees at once what the other did.
    const { KeyMetadata } = await call('CreateKey', {});
    const { KeyId } = KeyMetadata;
    for (let i = 0; i < 4; i++) {
      const { CiphertextBlob } = await call('Encrypt', { KeyId, Plaintext: 'AQID' });
      expect((await call('Decrypt', { CiphertextBlob })).Plaintext).to.equal('AQID');
      await call('RotateKeyOnDemand', { KeyId });
    }
    run.child.kill('SIGTERM');
    expect(await run.exitCode()).to.equal(0);
    const lines = run.stderr.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).outcome)).to.deep.equal(Array(14).fill('ok'));
  });

  it('sees in each request what any worker had acknowledged before, under load', async () => {
    const { url } = await startTwo();
    const call = async (operation: string, members: object) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'X-Amz-Target': `TrentService.${operation}` },
        body: JSON.stringify(members),
      });
      expect(response.status, operation).to.equal(200);
      const text = await response.text();
      return text === '' ? {} : JSON.parse(text);
    };
    const { KeyMetadata } = await call('CreateKey', {});
    const { KeyId } = KeyMetadata;
    let isDone = false;
    const load = Array.from({ length: 8 }, async () => {
      while (!isDone) await call('DescribeKey', { KeyId });
    });
    for (let i = 0; i < 100; i++) {
      await call('UpdateKeyDescription', { KeyId, Description: `${i}` });
      const described = await Promise.all(
        Array.from({ length: 8 }, () => call('DescribeKey', { KeyId })),
      );
      const descriptions = described.map((each) => each.KeyMetadata.Description);
      expect(descriptions).to.deep.equal(Array(8).fill(`${i}`));
    }
    isDone = true;
    await Promise.all(load);
  });

  it('accepts the import tokens of one worker at the other', async () => {
    const { run, call } = await startTwo();
    const { KeyMetadata } = await call('CreateKey', { Origin: 'EXTERNAL' });
    const { KeyId } = KeyMetadata;
    for (let i = 0; i < 2; i++) {
      const { PublicKey, ImportToken } = await call('GetParametersForImport', {
        KeyId,
        WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
        WrappingKeySpec: 'RSA_2048',
      });
      await call('ImportKeyMaterial', {
        KeyId,
        ImportToken,
        EncryptedKeyMaterial: wrap(PublicKey),
        ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      });
      // One more connection, so that the turn changes.
      await call('ListKeys', {});
    }
    run.child.kill('SIGTERM');
    expect(await run.exitCode()).to.equal(0);
  });

  it('replaces a worker that was killed', async function () {
    if (process.platform !== 'linux') this.skip();
    const { run, call } = await startTwo();
    const before = await childrenOf(run);
    expect(before).to.have.length(2);
    process.kill(Number(before[0]), 'SIGKILL');
    const isReplaced = async () => {
      const after = await childrenOf(run);
      return after.length === 2 && !after.includes(before[0] as string);
    };
    while (!(await isReplaced())) await new Promise((resolve) => setTimeout(resolve, 10));
    for (let i = 0; i < 4; i++) await call('CreateKey', {});
    await call('ListKeys', {});
    run.child.kill('SIGTERM');
    expect(await run.exitCode()).to.equal(0);
  });

  it('is at the same address after all workers were killed, also those that replace them', async function () {
    if (process.platform !== 'linux') this.skip();
    const { run, call } = await startTwo();
    const { KeyMetadata } = await call('CreateKey', {});
    const killed = new Set<string>();
    // The first are serving, the others only starting.
    while (killed.size < 6) {
      for (const child of await childrenOf(run)) {
        if (!killed.has(child)) process.kill(Number(child), 'SIGKILL');
        killed.add(child);
      }
    }
    const isReplaced = async () => {
      const children = await childrenOf(run);
      return children.length === 2 && !children.some((child) => killed.has(child));
    };
    while (!(await isReplaced())) await new Promise((resolve) => setTimeout(resolve, 10));
    const { KeyId } = KeyMetadata;
    // Until one listens, connections are refused.
    let described: { readonly KeyMetadata?: object } = {};
    while (described.KeyMetadata === undefined) {
      described = await call('DescribeKey', { KeyId }).catch(() => ({}));
    }
    expect(described.KeyMetadata).to.include({ KeyId });
    run.child.kill('SIGTERM');
    expect(await run.exitCode()).to.equal(0);
  });

  it('says what is wrong, with the status of one process', async () => {
    const wrong = path.join(path.dirname(file.path), 'wrong');
    await writeFile(wrong, 'hunter2', { mode: 0o600 });
    const data = ['--data', file.path];
    for (const [given, status, problem] of [
      [['--workers', '2'], 2, /--workers needs --data: keys in memory are those of one process/],
      [['--workers', '0'], 2, /--workers must be a number from 1 to 256/],
      [['--workers', 'all'], 2, /--workers must be a number/],
      [['--workers', '2', ...data, '--passphrase-file', wrong], 4, /passphrase/],
    ] as const) {
      const run = new Run('--port', '0', ...given);
      expect(await run.exitCode(), run.stderr).to.equal(status);
      expect(run.stderr)
        .to.match(problem)
        .and.match(/^keywrap-kms: .*\n$/);
      expect(run.stdout).to.equal('');
    }
  });
});

/** The processes that it started, by their ids. */
async function childrenOf({ child: { pid } }: Run): Promise<string[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter((id) => id !== '');
}

/** Wraps 32 bytes of key material, the same every time: a key is imported again with its own material only. */
function wrap(publicKey: string): string {
  const key = createPublicKey({
    key: Buffer.from(publicKey, 'base64'),
    format: 'der',
    type: 'spki',
  });
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return publicEncrypt({ key, padding, oaepHash: 'sha256' }, Buffer.alloc(32, 7)).toString(
    'base64',
  );
}
