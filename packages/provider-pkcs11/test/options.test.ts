import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { openKeyWrapProvider } from '@keywrap/core';
import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
import { Pkcs11KeyWrapProvider, pkcs11Scheme } from '@keywrap/provider-pkcs11';
import { pkcs11KeyWrapModule } from '@keywrap/provider-pkcs11/inversify';
import { expect } from 'chai';
import { Container } from 'inversify';
import { readOptions } from '#dist/options.js';
import { attributesIn } from '#dist/scheme.js';
import { rejection } from './support.js';
import { describeWithToken, newToken, type TestToken } from './test-token.js';

const MODULE = '/usr/lib/library.so';

describe('Options of Pkcs11KeyWrapProvider', () => {
  const WRONG: readonly (readonly [title: string, options: object, field: string])[] = [
    ['no library', {}, 'module'],
    ['an empty PIN', { module: MODULE, pin: '' }, 'pin'],
    ['a token that is text', { module: MODULE, token: 'label' }, 'token'],
    ['a label that is a number', { module: MODULE, token: { label: 1 } }, 'token.label'],
    ['a slot that is text', { module: MODULE, token: { slot: '1' } }, 'token.slot'],
    ['no sessions', { module: MODULE, sessions: 0 }, 'sessions'],
    ['an alias that is none', { module: MODULE, aliases: { orders: 'orders' } }, 'aliases'],
    ['a misspelt option', { module: MODULE, pinn: '1' }, 'pinn'],
  ];
  for (const [title, options, field] of WRONG) {
    it(`reject ${title} (INVALID_INPUT)`, async () => {
      const error = await rejection((async () => readOptions(options))());
      expect(error).to.include({ code: 'INVALID_INPUT', field: `options.${field}` });
    });
  }

  it('reject options whose getter throws (INVALID_INPUT)', async () => {
    const options = {
      get module(): string {
        throw new Error('no');
      },
    };
    const error = await rejection(Pkcs11KeyWrapProvider.open(options));
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'options' });
  });
});

describe('pkcs11: URLs', () => {
  const WRONG: readonly (readonly [title: string, url: string])[] = [
    ['no library', 'pkcs11:token=a'],
    ['a PIN', `pkcs11:token=a?module-path=${MODULE}&pin-value=1234`],
    ['a key', `pkcs11:object=orders?module-path=${MODULE}`],
    ['a repeated attribute', `pkcs11:token=a;token=b?module-path=${MODULE}`],
    ['a slot in words', `pkcs11:slot-id=first?module-path=${MODULE}`],
    ['a malformed escape', `pkcs11:token=%ff?module-path=${MODULE}`],
    ['a fragment', `pkcs11:token=a?module-path=${MODULE}#x`],
    ['a PIN file that is missing', `pkcs11:?module-path=${MODULE}&pin-source=/nonexistent`],
  ];
  for (const [title, url] of WRONG) {
    it(`reject ${title} (INVALID_INPUT)`, async () => {
      const error = await rejection(openKeyWrapProvider(url, [pkcs11Scheme]));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'url' });
      expect(error.message).not.to.include('1234');
    });
  }

  it('say which PIN file could not be read, and why, unless it may be the PIN', async () => {
    for (const [source, told] of [
      ['/nonexistent/pin', '(ENOENT): /nonexistent/pin'],
      ['1234', '(ENOENT): which must be an absolute path'],
    ]) {
      const url = `pkcs11:?module-path=${MODULE}&pin-source=${source}`;
      const error = await rejection(openKeyWrapProvider(url, [pkcs11Scheme]));
      expect(error.message).to.include(told);
    }
  });

  // RFC 7512 §3: examples that name tokens.
  it('are read as RFC 7512 says: percent-escapes, and + as itself', () => {
    const read = (text: string) => [
      ...attributesIn(text, ';', ['token', 'serial', 'manufacturer']),
    ];
    expect(
      read('token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.'),
    ).to.deep.equal([
      ['token', 'The Software PKCS#11 Softtoken'],
      ['manufacturer', 'Snake Oil, Inc.'],
    ]);
    expect(read('token=a+b;serial=')).to.deep.equal([
      ['token', 'a+b'],
      ['serial', ''],
    ]);
  });
});

describeWithToken('Opening a token', () => {
  let token: TestToken;
  let folder: string;
  before(async () => {
    token = await newToken('opened by URL');
    folder = await mkdtemp(path.join(tmpdir(), 'keywrap-pin-'));
  });
  after(async () => {
    await token.close();
    await rm(folder, { recursive: true });
  });

  it('works in an inversify container', async () => {
    const container = new Container();
    const module = pkcs11KeyWrapModule(token.options);
    container.load(module);
    expect((await container.getAsync(KEY_WRAP_PROVIDER)).id).to.equal('pkcs11');
    await container.unloadAsync(module);
  });

  it('needs pkcs11js, and says so where it is not compiled or not there (INTERNAL)', async function () {
    const { pkcs11js: _, ...options } = token.options;
    const isHere = await import('pkcs11js').then(
      () => true,
      () => false,
    );
    if (isHere) this.skip();
    const error = await rejection(Pkcs11KeyWrapProvider.open(options));
    expect(error).to.include({ code: 'INTERNAL', retryable: false });
    expect(error.message).to.include('pkcs11js');
  });

  it('reads the PIN from a file: by path and by URL', async () => {
    const { readPinFile } = await import('#dist/scheme.js');
    const file = path.join(folder, 'a+b pin');
    await writeFile(file, '1234\n');
    for (const source of [file, pathToFileURL(file).href]) {
      expect(await readPinFile(source)).to.equal('1234');
    }
  });
});
