import { inspect } from 'node:util';
import {
  type KeyStore,
  type LocalKeyWrapOptions,
  LocalKeyWrapProvider,
  MemoryKeyStore,
} from '@keywrap/provider-local';
import { expect } from 'chai';
import { ALL, ENGINES, expectRejection, open, thrown, utf8 } from './support.js';

const store = new MemoryKeyStore();
const HERE = 'arn:aws:kms:us-east-1:111122223333:';
const AES = new Uint8Array(32);
const RSA = { keyId: 'alias/x', keySpec: 'RSA_2048' };

const fail = (): never => {
  throw new Error('the cause');
};

/** Throws whatever is done with it. */
function throwingProxy(target: object = {}): object {
  const handler = { get: fail, has: fail, ownKeys: fail, getOwnPropertyDescriptor: fail };
  return new Proxy(target, handler);
}

describe('The options of the local provider', () => {
  const WRONG: readonly (readonly [string, unknown])[] = [
    ['options', null],
    ['options', 'local:'],
    ['options', []],
    ['options.keyring', { keyring: [] }],
    ['options.engine', { engine: 'openssl' }],
    ['options.engine', { engine: ['node'] }],
    ['options.engine', { engine: null }],
    ['options.partition', { partition: 'azure' }],
    ['options.partition', { partition: 'aws:kms' }],
    ['options.region', { region: 'Frankfurt' }],
    ['options.region', { region: 'eu-west-1:' }],
    ['options.region', { region: '' }],
    ['options.account', { account: 111122223333 }],
    ['options.account', { account: '11112222333' }],
    ['options.createMissingKeys', { createMissingKeys: 'true' }],
    ['options.createMissingKeys', { createMissingKeys: 1 }],
    ['options.now', { now: new Date() }],
    ['options.store', { store: null }],
    ['options.store', { store: new Map() }],
    ['options.store', { store: { change: () => {} } }],
    ['options.store', { store: { ...methodsOf(store), close: undefined } }],
    ['options.keys', { keys: 'alias/orders' }],
    ['options.keys', { keys: { 0: 'alias/orders' } }],
    ['options', throwingProxy()],
    ['options', { keys: throwingProxy([]) }],
    ['options', { keys: [throwingProxy()] }],
    ['options', Object.defineProperty({}, 'region', { get: fail, enumerable: true })],
    ['options.keys[0]', { keys: new Array(1) }],
    // biome-ignore lint/suspicious/noSparseArray: that is what is rejected.
    ['options.keys[1]', { keys: ['alias/orders', , 'alias/archive'] }],
    ['options.keys[0]', { keys: new Array(2 ** 32 - 1) }],
    ['options.keys[1]', { keys: ['alias/x', { keyId: 'alias/x', keySpec: 'RSA_2048' }] }],
    ['options.keys[1]', { keys: ['x', { keyId: `${HERE}key/x`, keySpec: 'HMAC_256' }] }],
    ['options.keys[1]', { keys: ['alias/x', { keyId: 'alias/x', keyMaterial: AES }] }],
    ['options.keys[2]', { keys: [RSA, 'alias/y', { ...RSA, keyUsage: 'SIGN_VERIFY' }] }],
    ['options.keys[0]', { keys: [null] }],
    ['options.keys[0]', { keys: [7] }],
    ['options.keys[1].keyId', { keys: ['alias/orders', ''] }],
    ['options.keys[0].keyId', { keys: [{}] }],
    ['options.keys[0].keyId', { keys: ['alias/aws/s3'] }],
    ['options.keys[0].keyId', { keys: [`alias/${'a'.repeat(251)}`] }],
    ['options.keys[0].keyId', { keys: ['k'.repeat(256)] }],
    ['options.keys[0].keyId', { keys: ['a/b'] }],
    ['options.keys[0].keyId', { keys: ['arn:aws:s3:::bucket'] }],
    ['options.keys[0].keyId', { keys: ['arn:aws:kms:eu-west-1:111122223333:alias/orders'] }],
    ['options.keys[0].keyId', { keys: ['arn:aws:kms:us-east-1:999988887777:key/orders'] }],
    ['options.keys[0].keyId', { keys: ['arn:aws-cn:kms:us-east-1:111122223333:key/orders'] }],
    ['options.keys[0].alias', { keys: [{ alias: 'alias/orders' }] }],
    ['options.keys[0].keySpec', { keys: [{ keyId: 'a', keySpec: 'AES' }] }],
    ['options.keys[0].keyUsage', { keys: [{ keyId: 'a', keyUsage: 'SIGN_VERIFY' }] }],
    ['options.keys[0].keyMaterial', { keys: [{ keyId: 'a', keyMaterial: {} }] }],
    ['options.keys[0].keyMaterial', { keys: [{ keyId: 'a', keyMaterial: '' }] }],
    ['options.keys[0].keyMaterial', { keys: [{ keyId: 'a', keyMaterial: new Uint8Array() }] }],
    ['options.keys[0].passphrase', { keys: [{ keyId: 'a', passphrase: 7 }] }],
    ['options.keys[0].passphrase', { keys: [{ keyId: 'a', passphrase: '\ud800' }] }],
  ];
  for (const [field, options] of WRONG) {
    it(`are rejected when the object is made, naming ${field}: ${describeShortly(options)}`, async () => {
      const error = await thrown(() => new LocalKeyWrapProvider(options as LocalKeyWrapOptions));
      expect(error).to.include({ code: 'INVALID_INPUT', field });
    });
  }

  it('may all be omitted or undefined', async () => {
    for (const options of [
      undefined,
      {},
      { engine: undefined, keys: undefined, store: undefined },
    ]) {
      const provider = new LocalKeyWrapProvider(options);
      expect(await provider.listKeys()).to.deep.equal([]);
    }
  });

  for (const engine of ENGINES) {
    it(`choose the engine ${engine}, which does all operations`, async () => {
      const { provider } = open({ engine, keys: ['alias/a', 'alias/b'] });
      const keyId = 'alias/a';
      const encryptionContext = { order: '7' };
      const dataKey = await provider.generateDataKey({
        keyId,
        keySpec: 'AES_128',
        encryptionContext,
      });
      const { ciphertext } = await provider.reEncrypt({
        ciphertext: dataKey.ciphertext,
        source: { keyId, encryptionContext },
        destination: { keyId: 'alias/b' },
      });
      const opened = await provider.decrypt({ keyId: 'alias/b', ciphertext });
      expect(opened.plaintext).to.deep.equal(dataKey.plaintext);
    });
  }

  it('accept any object with the methods of a KeyStore', async () => {
    const inner = new MemoryKeyStore();
    const provider = new LocalKeyWrapProvider({ store: methodsOf(inner), keys: ['alias/a'] });
    await provider.encrypt({ keyId: 'alias/a', plaintext: utf8('x') });
    expect(await inner.listKeys(ALL)).to.have.length(1);
  });

  it('may have one key twice', async () => {
    const { provider } = open({ keys: ['alias/x', 'x', `${HERE}alias/x`, { keyId: 'x' }] });
    expect(await provider.listKeys()).to.have.length(2);
  });

  for (const [what, now] of [
    ['nothing but an error', fail],
    ['a number', () => Date.now()],
    ['no time', () => new Date(Number.NaN)],
  ] as const) {
    it(`a clock that returns ${what} is rejected at its first use, and no key is created`, async () => {
      const { provider, store: keys } = open({ now: now as () => Date });
      await expectRejection(provider.createKey(), 'INVALID_INPUT', 'options.now');
      expect(await keys.listKeys(ALL)).to.deep.equal([]);
    });
  }

  it('a clock may return one Date that it changes', async () => {
    const date = new Date('2026-01-01');
    const { provider } = open({ now: () => date });
    const { keyId } = await provider.createKey();
    date.setFullYear(2027);
    const { creationDate } = await provider.describeKey({ keyId });
    expect(creationDate).to.deep.equal(new Date('2026-01-01'));
  });
});

/** A store that is a plain object. */
function methodsOf(inner: MemoryKeyStore): KeyStore {
  return {
    peekKey: inner.peekKey.bind(inner),
    peekAlias: inner.peekAlias.bind(inner),
    lookOnce: inner.lookOnce.bind(inner),
    loadKey: inner.loadKey.bind(inner),
    loadAlias: inner.loadAlias.bind(inner),
    listKeys: inner.listKeys.bind(inner),
    listAliases: inner.listAliases.bind(inner),
    keysWithId: inner.keysWithId.bind(inner),
    change: inner.change.bind(inner),
    close: inner.close.bind(inner),
  };
}

function describeShortly(options: unknown): string {
  const text = inspect(options, { breakLength: Number.POSITIVE_INFINITY });
  return text.length > 70 ? `${text.slice(0, 70)}...` : text;
}
