import nodeFs from 'node:fs';
import {
  appendFile,
  chmod,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import type { KeyWrapProvider } from '@keywrap/core';
import { type FileKeyStore, withAuditLog } from '@keywrap/provider-local/file-store';
import { LocalKeyWrapProvider } from '@keywrap/provider-local/old-keys';
import { expect } from 'chai';
import sinon from 'sinon';
import { openStore, rejection, useFolder } from './support.js';

const plaintext = new TextEncoder().encode('the plaintext of a data key');
const encryptionContext = { order: 'value-4711', customer: 'value-acme' };

describe('an audit log', () => {
  const folder = useFolder();
  let store: FileKeyStore;
  beforeEach(async () => {
    store = await openStore(folder.path);
  });
  afterEach(() => sinon.restore());

  async function open(actor?: string): Promise<LocalKeyWrapProvider> {
    const provider = new LocalKeyWrapProvider({ store, keys: ['alias/a', 'alias/b'] });
    return withAuditLog(provider, await store.openAuditLog(actor));
  }

  const auditFolder = () => path.join(folder.path, 'audit');
  const files = async () => {
    const names = (await readdir(auditFolder())).sort();
    return names.map((name) => path.join(auditFolder(), name));
  };
  const read = async (): Promise<Record<string, unknown>[]> => {
    const text = await readFile((await files()).at(-1) as string, 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  const problems = async () => (await store.verifyAuditLogs()).map(({ problem }) => problem);

  it('says who did what with which key, when, and how it went', async () => {
    const keys = await open('order-service');
    const { ciphertext } = await keys.encrypt({ keyId: 'alias/a', plaintext, encryptionContext });
    await rejection(keys.decrypt({ keyId: 'alias/b', ciphertext, encryptionContext }));
    await keys.reEncrypt({
      ciphertext,
      source: { keyId: 'alias/a', encryptionContext },
      destination: { keyId: 'alias/b' },
    });
    await keys.close();
    const lines = await read();
    expect(lines.map(({ operation }) => operation)).to.deep.equal([
      'audit.open',
      'encrypt',
      'decrypt',
      'reEncrypt',
      'audit.close',
    ]);
    const [, encrypted, decrypted, moved] = lines;
    const arn = /^arn:aws:kms:us-east-1:111122223333:key\//;
    expect(encrypted).to.include({
      seq: 1,
      pid: process.pid,
      actor: 'order-service',
      outcome: 'ok',
    });
    expect(encrypted?.user).to.be.a('string').and.not.equal('');
    expect(encrypted?.asked).to.deep.equal(['alias/a']);
    expect(encrypted?.context).to.deep.equal(['customer', 'order']);
    expect(encrypted).to.have.nested.property('keys[0]').that.matches(arn);
    expect(new Date(encrypted?.time as string).getTime()).to.be.closeTo(Date.now(), 60_000);
    expect(decrypted).to.include({ outcome: 'INCORRECT_KEY' });
    expect(moved?.asked).to.deep.equal(['alias/a', 'alias/b']);
    expect(moved?.keys).to.have.length(2);
  });

  it('is named by the next log, however much was asked of it last', async () => {
    const keys = await open();
    const names = Array.from({ length: 1000 }, (_, i) => [`${i}${'"'.repeat(1000)}`, 'value']);
    const huge = Object.fromEntries(names);
    await rejection(keys.encrypt({ keyId: 'alias/a', plaintext, encryptionContext: huge }));
    const [first = ''] = await files();
    const [line = ''] = (await readFile(first, 'utf8')).trim().split('\n').slice(-1);
    expect(line.length).to.be.lessThan(64 * 1024);
    await open();
    const [opening] = await read();
    expect(opening).to.have.nested.property('before[0][0]', path.basename(first));
    await rm(first);
    expect(await problems()).to.deep.equal(['is missing', undefined]);
  });

  it('of which a line never ends is refused, and not read to its end', async () => {
    const keys = await open();
    await keys.close();
    const [log = ''] = await files();
    await appendFile(log, 'a'.repeat(20 * 1024 * 1024));
    expect(await problems()).to.have.length(1);
    expect((await problems())[0]).to.contain('was changed at line');
  });

  it('holds every operation of a provider and of its keys, and no secret', async () => {
    const keys = await open();
    const keyId = 'alias/a';
    const wrapped = await keys.generateDataKey({ keyId, keySpec: 'AES_256', encryptionContext });
    await keys.generateDataKeyWithoutPlaintext({ keyId, numberOfBytes: 16 });
    const pair = { keyId, keyPairSpec: 'ECC_NIST_P256' } as const;
    await keys.generateDataKeyPair(pair);
    await keys.generateDataKeyPairWithoutPlaintext(pair);
    await keys.decrypt({ keyId, ciphertext: wrapped.ciphertext, encryptionContext });
    await rejection(
      keys.decryptAsymmetric({ keyId, algorithm: 'RSAES_OAEP_SHA_1', ciphertext: plaintext }),
    );
    await rejection(keys.getPublicKey({ keyId }));
    await keys.describeKey({ keyId });
    const made = await keys.createKey({ origin: 'EXTERNAL', alias: 'alias/made' });
    const material = new Uint8Array(32).fill(65);
    await keys.importKeyMaterial({ keyId: made.keyId, keyMaterial: material });
    await keys.exportKeyMaterial({ keyId: made.keyId, format: 'raw' });
    for (const change of [
      'disableKey',
      'enableKey',
      'scheduleKeyDeletion',
      'cancelKeyDeletion',
    ] as const) {
      await keys[change]({ keyId: made.keyId });
    }
    await keys.rotateKey({ keyId });
    await keys.createAlias({ alias: 'alias/x', keyId });
    await keys.updateAlias({ alias: 'alias/x', keyId: 'alias/b' });
    await keys.deleteAlias({ alias: 'alias/x' });
    await keys.listKeys();
    await keys.listAliases();
    await keys[Symbol.asyncDispose]();
    const operations = new Set((await read()).map(({ operation }) => operation));
    const prototypes = [
      LocalKeyWrapProvider.prototype,
      Object.getPrototypeOf(LocalKeyWrapProvider.prototype),
    ];
    const expected = prototypes
      .flatMap((prototype) => Object.getOwnPropertyNames(prototype))
      .filter(
        (name) =>
          !/^(constructor|close|run|mapError|do[A-Z].*)$/.test(name) &&
          !['encrypt', 'reEncrypt'].includes(name),
      );
    expect([...operations]).to.include.members(expected);
    const text = await readFile((await files())[0] as string, 'utf8');
    const secrets = [
      'value-4711',
      'value-acme',
      Buffer.from(wrapped.ciphertext).toString('base64'),
      'AAAAAAAA',
    ];
    for (const secret of secrets) expect(text).not.to.include(secret);
  });

  it('is one private file per process, that only grows, and verifies while it is written', async () => {
    const [one, other] = [await open(), await open()];
    await one.listKeys();
    await other.listKeys();
    expect(await store.verifyAuditLogs()).to.have.length(2);
    expect(await problems()).to.deep.equal([undefined, undefined]);
    expect((await store.verifyAuditLogs()).map(({ closed }) => closed)).to.deep.equal([
      false,
      false,
    ]);
    await one.close();
    await other.close();
    expect((await store.verifyAuditLogs()).map(({ closed }) => closed)).to.deep.equal([true, true]);
    for (const file of await files()) expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect((await stat(auditFolder())).mode & 0o777).to.equal(0o700);
  });

  describe('that was touched', () => {
    beforeEach(async () => {
      const keys = await open();
      for (let n = 0; n < 4; n++) await keys.describeKey({ keyId: 'alias/a' });
      await keys.close();
    });

    it('shows any changed byte', async () => {
      const [file] = (await files()) as [string];
      const bytes = await readFile(file);
      for (let offset = 0; offset < bytes.length; offset++) {
        const copy = Buffer.from(bytes);
        copy[offset] = (copy[offset] as number) ^ 1;
        await writeFile(file, copy);
        expect((await problems())[0], `byte ${offset}`).to.match(/changed|removed/);
      }
    });

    it('shows a line that was removed, repeated, moved or added, and where', async () => {
      const [file] = (await files()) as [string];
      const lines = (await readFile(file, 'utf8')).trim().split('\n');
      for (let n = 0; n < lines.length; n++) {
        const others = lines.filter((_, index) => index !== n);
        const repeated = lines.flatMap((line, index) => (index === n ? [line, line] : [line]));
        const moved = [...lines];
        [moved[n], moved[(n + 1) % lines.length]] = [
          moved[(n + 1) % lines.length] as string,
          moved[n] as string,
        ];
        for (const touched of [others, repeated, moved]) {
          await writeFile(file, `${touched.join('\n')}\n`);
          const [report] = await store.verifyAuditLogs();
          const isCut = touched === others && n === lines.length - 1;
          // The end that was cut off shows as a log that was never closed.
          if (isCut) expect(report).to.include({ closed: false, problem: undefined });
          else expect(report?.problem).to.match(/changed at line \d/);
        }
      }
    });

    it('shows a log that passes for another, and one that was forged without the key', async () => {
      const [file] = (await files()) as [string];
      await rename(file, file.replace('.jsonl', '0.jsonl'));
      expect((await problems())[0]).to.include('changed at line 1');
    });

    it('shows a log that is missing, or was cut, once another has begun', async () => {
      const keys = await open();
      await keys.close();
      const [file] = (await files()) as [string];
      const text = await readFile(file, 'utf8');
      await writeFile(file, `${text.split('\n').slice(0, 3).join('\n')}\n`);
      expect((await problems())[0]).to.include('was cut');
      await rm(file);
      expect((await problems())[0]).to.include('is missing');
    });

    it('shows what was added after its end', async () => {
      const [file] = (await files()) as [string];
      await appendFile(file, '{"seq":6}\n');
      expect((await problems())[0]).to.include('changed at line 7');
    });
  });

  it('gives no result when it can not be written, and goes on when it can again', async () => {
    const keys = await open();
    await keys.describeKey({ keyId: 'alias/a' });
    const write = nodeFs.writeSync;
    sinon.stub(nodeFs, 'writeSync').callsFake(((file: number, bytes: Uint8Array) => {
      write(file, bytes.subarray(0, 20));
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    }) as never);
    const error = await rejection(keys.generateDataKey({ keyId: 'alias/a', keySpec: 'AES_256' }));
    expect(error).to.include({ code: 'UNAVAILABLE' });
    expect(error.message).to.include('audit log').and.include('full');
    sinon.restore();
    await keys.describeKey({ keyId: 'alias/a' });
    await keys.close();
    expect(await problems()).to.deep.equal([undefined]);
    expect((await read()).map(({ seq }) => seq)).to.deep.equal([0, 1, 2, 3]);
  });

  it('is refused where others may read it (ACCESS_DENIED), and takes no harm from an empty file', async () => {
    await (await open()).close();
    await writeFile(path.join(auditFolder(), '20260101T000000000Z-1-0.jsonl'), '');
    await (await open()).close();
    expect(await problems()).to.deep.equal([undefined, undefined, undefined]);
    await chmod(auditFolder(), 0o755);
    expect(await rejection(open())).to.include({ code: 'ACCESS_DENIED' });
  });

  it('keeps lines whole whatever is in them', async () => {
    const keys = await open('line\nbreak \u2028 "quoted" \u00e9 \ud83d\ude00');
    await rejection(keys.encrypt({ keyId: 'alias/\u2029', plaintext }));
    const context = { '\u2028': 'x', '","mac":"': 'y' };
    await keys.encrypt({ keyId: 'alias/a', plaintext, encryptionContext: context });
    await keys.close();
    expect(await problems()).to.deep.equal([undefined]);
  });

  it('takes whatever a caller passes', async () => {
    const keys = await open();
    const hostile = Object.defineProperty({}, 'keyId', {
      get() {
        throw new Error('no');
      },
    });
    for (const input of [undefined, null, 7, [], hostile, { keyId: 'x'.repeat(100_000) }]) {
      const error = await rejection((keys as KeyWrapProvider).encrypt(input as never));
      expect(error).to.include({ code: 'INVALID_INPUT' });
    }
    await keys.close();
    expect(await problems()).to.deep.equal([undefined]);
  });
});
