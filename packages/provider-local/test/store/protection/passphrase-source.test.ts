import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { passphraseFrom } from '#dist/store/protection/passphrase-source.js';
import { rejection } from '../../support.js';

describe('A passphrase from a file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'keywrap-passphrase-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function read(contents: string | Uint8Array): Promise<string | Uint8Array> {
    const file = path.join(folder, 'passphrase');
    await writeFile(file, contents);
    return passphraseFrom({ file });
  }

  it('is its text without the last line break', async () => {
    expect(await read('s3cret')).to.equal('s3cret');
    expect(await read('s3cret\n')).to.equal('s3cret');
    expect(await read('s3cret\r\n')).to.equal('s3cret');
    expect(await read('s3cret\n\n')).to.equal('s3cret\n');
    expect(await read(' \ufeffé\r')).to.equal(' \ufeffé\r');
  });

  it('is its bytes if it is not UTF-8: nothing is replaced', async () => {
    expect(await read(Uint8Array.of(0xff, 0x0a))).to.deep.equal(Uint8Array.of(0xff));
    expect(await read(Uint8Array.of(0xfe, 0x0a))).to.deep.equal(Uint8Array.of(0xfe));
    expect(await read('\ufffd')).to.deep.equal(Uint8Array.of(0xef, 0xbf, 0xbd));
  });

  it('is rejected if it is missing (INVALID_INPUT)', async () => {
    for (const contents of ['', '\n', '\r\n', 'a'.repeat(64 * 1024 + 1)]) {
      expect((await rejection(read(contents))).code).to.equal('INVALID_INPUT');
    }
    const missing = path.join(folder, 'missing');
    for (const file of [missing, folder, path.join(folder, 'passphrase', 'x'), 'a\0b', '']) {
      const { code, retryable } = await rejection(passphraseFrom({ file }));
      expect({ code, retryable }, file).to.deep.equal({ code: 'INVALID_INPUT', retryable: false });
    }
  });

  it('may be a pipe', async function () {
    if (process.platform === 'win32') this.skip();
    const file = path.join(folder, 'pipe');
    execFileSync('mkfifo', [file]);
    const reading = passphraseFrom({ file });
    const writer = await open(file, 'w');
    await writer.write('from ');
    await writer.write('a pipe\n');
    await writer.close();
    expect(await reading).to.equal('from a pipe');
  });
});

describe('A passphrase from the environment', () => {
  afterEach(() => {
    delete process.env.KEYWRAP_TEST_PASSPHRASE;
  });

  it('is the value of the variable', async () => {
    process.env.KEYWRAP_TEST_PASSPHRASE = 's3cret\n';
    expect(await passphraseFrom({ env: 'KEYWRAP_TEST_PASSPHRASE' })).to.equal('s3cret\n');
  });

  it('is no variable that every object has (INVALID_INPUT)', async () => {
    for (const env of ['toString', '__proto__', 'constructor']) {
      expect(await passphraseFrom({ env }).catch((error) => error.code)).to.equal('INVALID_INPUT');
    }
    const number = 5 as unknown as string;
    expect(await passphraseFrom({ file: number }).catch((error) => error.code)).to.equal(
      'INVALID_INPUT',
    );
  });

  it('is rejected when the variable is missing or empty, or no source or two are named (INVALID_INPUT)', async () => {
    process.env.KEYWRAP_TEST_PASSPHRASE = '';
    for (const source of [
      { env: 'KEYWRAP_TEST_PASSPHRASE' },
      { env: 'KEYWRAP_TEST_MISSING' },
      {},
      { env: 'A', file: 'b' },
    ]) {
      expect((await rejection(passphraseFrom(source))).code).to.equal('INVALID_INPUT');
    }
  });
});
