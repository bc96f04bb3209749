import { formatAliasArn } from '@keywrap/core';
import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import { expect } from 'chai';
import { ALL, expectRejection, fixture, HOME, utf8 } from './support.js';

type Method = Exclude<
  {
    [Name in keyof LocalKeyWrapProvider]: LocalKeyWrapProvider[Name] extends (
      ...args: never[]
    ) => unknown
      ? Name
      : never;
  }[keyof LocalKeyWrapProvider],
  symbol | undefined
>;

const KEY = { keyId: 'alias/aes' };
const RSA = { keyId: 'alias/rsa', algorithm: 'RSAES_OAEP_SHA_256' };
const plaintext = utf8('x');
const ciphertext = utf8('y');

const detached = new Uint8Array(32);
structuredClone(detached.buffer, { transfer: [detached.buffer] });

const shared = new Uint8Array(new SharedArrayBuffer(32));

/** `__proto__` as an own key, as JSON.parse makes it. */
const withProto = JSON.parse('{ "__proto__": "admin" }');

const tenThousand = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, 'v']));

const NO_BYTES: readonly (readonly [string, unknown])[] = [
  ['text', 'secret'],
  ['an array of numbers', [1, 2, 3]],
  ['an ArrayBuffer', new ArrayBuffer(8)],
  ['a DataView', new DataView(new ArrayBuffer(8))],
  ['other numbers', new Uint16Array(8)],
  ['nothing', undefined],
  ['null', null],
  ['no bytes', new Uint8Array()],
  ['a detached buffer', detached],
  ['shared memory', shared],
  ['an object in disguise', Object.create(Uint8Array.prototype)],
];

const NO_CONTEXT: readonly (readonly [string, unknown])[] = [
  ['text', 'order=7'],
  ['null', null],
  ['an array', ['order', '7']],
  ['a Map', new Map([['order', '7']])],
  ['a number as a value', { order: 7 }],
  ['undefined as a value', { order: undefined }],
  ['a lone surrogate in a key', { 'a\ud800': 'b' }],
  ['a lone surrogate in a value', { a: '\udc00b' }],
  ['__proto__ as a key', withProto],
  ['a symbol as a key', { [Symbol('order')]: '7' }],
  ['10 000 pairs', tenThousand],
  ['more than 8192 bytes', { a: 'v'.repeat(8192) }],
];

const NO_KEY_ID: readonly (readonly [string, unknown])[] = [
  ['a number', 7],
  ['null', null],
  ['an object', { id: 'orders' }],
  ['the empty string', ''],
  ['2049 characters', 'k'.repeat(2049)],
  ['a space', 'alias/my orders'],
  ['a line end', 'alias/orders\n'],
  ['a lone surrogate', 'orders\ud800'],
  ['an ARN of another service', 'arn:aws:s3:::orders'],
  ['an alias with a foreign character', 'alias/aufträge'],
];

const NO_INPUT: readonly unknown[] = [undefined, null, 7, 'alias/aes', [], () => {}];

/** Every method that takes an input, with one that works. */
const WORKING: Readonly<Partial<Record<Method, Record<string, unknown>>>> = {
  encrypt: { ...KEY, plaintext },
  decrypt: { ...KEY, ciphertext },
  decryptAsymmetric: { ...RSA, ciphertext },
  reEncrypt: { ciphertext, destination: KEY },
  generateDataKey: { ...KEY, keySpec: 'AES_256' },
  generateDataKeyWithoutPlaintext: { ...KEY, keySpec: 'AES_256' },
  generateDataKeyPair: { ...KEY, keyPairSpec: 'ECC_NIST_P256' },
  generateDataKeyPairWithoutPlaintext: { ...KEY, keyPairSpec: 'ECC_NIST_P256' },
  getPublicKey: KEY,
  describeKey: KEY,
  importKeyMaterial: { keyId: 'alias/pending', keyMaterial: new Uint8Array(32) },
  exportKeyMaterial: { ...KEY, format: 'raw' },
  enableKey: KEY,
  disableKey: KEY,
  rotateKey: KEY,
  scheduleKeyDeletion: KEY,
  cancelKeyDeletion: KEY,
  createAlias: { ...KEY, alias: 'alias/new' },
  updateAlias: { ...KEY, alias: 'alias/other' },
  deleteAlias: { alias: 'alias/aes' },
};

describe('Bad input from plain JavaScript', () => {
  const store = new MemoryKeyStore();
  const provider = new LocalKeyWrapProvider({
    store,
    keys: [
      'alias/aes',
      'alias/other',
      { keyId: 'alias/rsa', keySpec: 'RSA_2048', keyMaterial: fixture('rsa-2048.pem') },
    ],
  });
  const call = (method: Method, input: unknown, ...more: unknown[]): Promise<unknown> =>
    (provider[method] as (...args: unknown[]) => Promise<unknown>)(input, ...more);

  const stateOf = async () => ({
    keys: await store.listKeys(ALL),
    aliases: await store.listAliases(ALL),
  });
  let before: Awaited<ReturnType<typeof stateOf>>;

  beforeEach(async () => {
    const alias = formatAliasArn('alias/pending', HOME);
    if (store.peekAlias(alias) === undefined) {
      await provider.createKey({ origin: 'EXTERNAL', alias: 'alias/pending' });
    }
    before = await stateOf();
  });
  afterEach('nothing is half done', async () => {
    expect(await stateOf()).to.deep.equal(before);
  });

  const rejects = (method: Method, what: string, input: unknown, field: string) =>
    it(`${method} rejects ${what} as ${field}`, () =>
      expectRejection(call(method, input), 'INVALID_INPUT', field));

  for (const [method, input] of Object.entries(WORKING) as [Method, object][]) {
    it(`${method} rejects anything that is not an object`, async () => {
      for (const wrong of NO_INPUT)
        await expectRejection(call(method, wrong), 'INVALID_INPUT', 'input');
    });

    it(`${method} rejects an unknown field`, () =>
      expectRejection(
        call(method, { ...input, encryptioncontext: {} }),
        'INVALID_INPUT',
        'encryptioncontext',
      ));

    it(`${method} rejects malformed options`, async () => {
      for (const [wrong, field] of [
        [null, 'options'],
        ['fast', 'options'],
        [{ timeout: 7 }, 'options.timeout'],
        [{ signal: 'abort' }, 'options.signal'],
        [{ grantTokens: 'token' }, 'options.grantTokens'],
      ] as const) {
        await expectRejection(call(method, input, wrong), 'INVALID_INPUT', field);
      }
    });

    it(`${method} rejects an input whose getter throws`, async () => {
      const [name] = Object.keys(input) as [string];
      const getter = {
        get: () => {
          throw new Error('no');
        },
        enumerable: true,
      };
      await expectRejection(
        call(method, Object.defineProperty({ ...input }, name, getter)),
        'INVALID_INPUT',
        'input',
      );
    });

    it(`${method} does nothing once it was aborted`, () =>
      expectRejection(call(method, input, { signal: AbortSignal.abort() }), 'ABORTED'));

    if ('keyId' in input) {
      for (const [what, keyId] of NO_KEY_ID) rejects(method, what, { ...input, keyId }, 'keyId');
    }
  }

  for (const [what, bytes] of NO_BYTES) {
    rejects('encrypt', what, { ...KEY, plaintext: bytes }, 'plaintext');
    rejects('encrypt', what, { ...RSA, plaintext: bytes }, 'plaintext');
    rejects('decrypt', what, { ciphertext: bytes }, 'ciphertext');
    rejects('decryptAsymmetric', what, { ...RSA, ciphertext: bytes }, 'ciphertext');
    rejects('reEncrypt', what, { ciphertext: bytes, destination: KEY }, 'ciphertext');
    // Text may be PEM; it is rejected too, but only once the kind of the key is known.
    rejects(
      'importKeyMaterial',
      what,
      { keyId: 'alias/pending', keyMaterial: bytes },
      'keyMaterial',
    );
  }

  for (const [what, encryptionContext] of NO_CONTEXT) {
    for (const method of [
      'encrypt',
      'decrypt',
      'generateDataKey',
      'generateDataKeyPair',
    ] as const) {
      rejects(method, what, { ...WORKING[method], encryptionContext }, 'encryptionContext');
    }
    for (const side of ['source', 'destination']) {
      const input = { ciphertext, destination: KEY, [side]: { ...KEY, encryptionContext } };
      rejects('reEncrypt', what, input, `${side}.encryptionContext`);
    }
  }

  rejects('encrypt', '4097 bytes', { ...KEY, plaintext: new Uint8Array(4097) }, 'plaintext');
  rejects('encrypt', '191 bytes', { ...RSA, plaintext: new Uint8Array(191) }, 'plaintext');
  rejects('decrypt', '6145 bytes', { ciphertext: new Uint8Array(6145) }, 'ciphertext');
  rejects(
    'encrypt',
    'a context with RSA',
    { ...RSA, plaintext, encryptionContext: {} },
    'encryptionContext',
  );
  rejects('decrypt', 'an RSA algorithm', { ...RSA, ciphertext }, 'algorithm');
  rejects('decryptAsymmetric', 'no algorithm', { keyId: RSA.keyId, ciphertext }, 'algorithm');
  rejects(
    'generateDataKey',
    'both lengths',
    { ...KEY, keySpec: 'AES_256', numberOfBytes: 32 },
    'numberOfBytes',
  );
  rejects('generateDataKey', '1025 bytes', { ...KEY, numberOfBytes: 1025 }, 'numberOfBytes');
  rejects(
    'generateDataKeyPair',
    'an unknown kind',
    { ...KEY, keyPairSpec: 'ED25519' },
    'keyPairSpec',
  );

  for (const description of ['\ud800', {}, 'x'.repeat(8193)]) {
    rejects('createKey', 'a description that is none', { description }, 'description');
  }
  rejects(
    'createKey',
    '__proto__',
    JSON.parse('{ "__proto__": { "origin": "EXTERNAL" } }'),
    '__proto__',
  );

  it('listKeys and listAliases reject malformed options', async () => {
    for (const method of ['listKeys', 'listAliases'] as const) {
      await expectRejection(call(method, { limit: 10 }), 'INVALID_INPUT', 'options.limit');
      await expectRejection(call(method, { signal: AbortSignal.abort() }), 'ABORTED');
    }
  });
});

describe('A provider that was closed', () => {
  it('rejects every call, and may be closed again', async () => {
    const provider = new LocalKeyWrapProvider({ keys: ['alias/aes'] });
    await provider.listKeys();
    await provider.close();
    await provider.close();
    for (const [method, input] of Object.entries(WORKING) as [Method, object][]) {
      const closed = (provider[method] as (input: object) => Promise<unknown>)(input);
      await expectRejection(closed, 'CLOSED');
    }
    await expectRejection(provider.createKey(), 'CLOSED');
    await expectRejection(provider.listKeys(), 'CLOSED');
    await expectRejection(provider.listAliases(), 'CLOSED');
  });
});
