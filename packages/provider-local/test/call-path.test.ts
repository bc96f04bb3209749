import { type KeyWrapProvider, type Layer, withLayer } from '@keywrap/core';
import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import type { KeyRecord } from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { Xaes256GcmKey } from '#dist/cipher/xaes-256-gcm.js';
import { randomBytes } from './support.js';

const KEY = 'alias/orders';
const CONTEXT = { table: 'orders' };

/** What the cipher does, with the stack from it to the caller; the cipher itself is not counted. */
async function depthOf(call: () => Promise<unknown>): Promise<number> {
  const { prototype } = Xaes256GcmKey;
  const { seal, open } = prototype;
  const { stackTraceLimit } = Error;
  let stack = '';
  const noting = <Args extends unknown[], Result>(
    work: (this: Xaes256GcmKey, ...args: Args) => Result,
  ) =>
    function (this: Xaes256GcmKey, ...args: Args): Result {
      stack = new Error('here').stack ?? '';
      return work.apply(this, args);
    };
  Error.stackTraceLimit = 50;
  Object.assign(prototype, { seal: noting(seal), open: noting(open) });
  try {
    await call();
  } finally {
    Object.assign(prototype, { seal, open });
    Error.stackTraceLimit = stackTraceLimit;
  }
  const frames = stack.split('\n').slice(2);
  // The last before this function is the test's own, which calls the provider.
  return frames.findIndex((frame) => frame.includes('depthOf')) - 1;
}

/** A store that counts how often a key is looked up, and how often its state is read. */
class CountingStore extends MemoryKeyStore {
  lookups = 0;
  states = 0;

  override peekKey(arn: string): KeyRecord | undefined {
    this.lookups++;
    const key = super.peekKey(arn);
    return (
      key &&
      new Proxy(key, {
        get: (target, name) => {
          if (name === 'keySpec') this.states++;
          return Reflect.get(target, name);
        },
      })
    );
  }
}

/** The calls that use a key which is in memory. */
async function callsOf(provider: KeyWrapProvider) {
  const plaintext = randomBytes(32);
  const input = { keyId: KEY, encryptionContext: CONTEXT };
  const { ciphertext } = await provider.encrypt({ ...input, plaintext });
  return {
    encrypt: () => provider.encrypt({ ...input, plaintext }),
    decrypt: () => provider.decrypt({ ...input, ciphertext }),
    'decrypt without a key id': () => provider.decrypt({ ciphertext, encryptionContext: CONTEXT }),
    generateDataKey: () => provider.generateDataKey({ ...input, keySpec: 'AES_256' }),
  };
}

describe('From a method of the local provider to the cipher', () => {
  const layer: Layer = (inner) => ({
    ...inner,
    encrypt: (request, call) => inner.encrypt(request, call),
  });

  it('a call passes six functions or fewer', async () => {
    await using provider = new LocalKeyWrapProvider({ engine: 'node', keys: [KEY] });
    const calls = await callsOf(provider);
    expect(await depthOf(calls.encrypt)).to.equal(5);
    for (const [name, call] of Object.entries(calls)) {
      expect(await depthOf(call), name).to.be.within(5, 6);
    }
  });

  it('each layer adds one', async () => {
    await using provider = new LocalKeyWrapProvider({ engine: 'node', keys: [KEY] });
    const { encrypt } = await callsOf([layer, layer].reduce(withLayer, provider));
    expect(await depthOf(encrypt)).to.equal(7);
  });

  it('a call looks its key up once, and checks it once', async () => {
    const store = new CountingStore();
    await using provider = new LocalKeyWrapProvider({ engine: 'node', store, keys: [KEY] });
    const { 'decrypt without a key id': decrypt, ...calls } = await callsOf(provider);
    for (const [name, call] of Object.entries({ ...calls, decrypt })) {
      Object.assign(store, { lookups: 0, states: 0 });
      await call();
      expect(store.lookups, name).to.equal(1);
      // Once more where a ciphertext names the key: whether it is a symmetric one.
      expect(store.states, name).to.be.within(1, name === 'decrypt' ? 2 : 1);
    }
  });
});
