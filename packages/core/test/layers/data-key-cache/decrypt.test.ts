import type { DecryptResult, KeyWrapProvider } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { expect } from 'chai';
import { Backend, isWiped, makeGate } from './backend.js';

const LIMITS = { maximumUses: 1, maximumBytes: 1, maximumAge: 1000 };
const SECRET = 'a secret of thirty-two bytes, ok';
const sealed = (secret: string) => Uint8Array.of(secret.length, ...Buffer.from(secret));
const INPUT = { ciphertext: sealed(SECRET), keyId: 'orders', encryptionContext: { a: 'bc' } };

describe('withDataKeyCache: decrypt', () => {
  let backend: Backend;
  let time: number;
  let keys: KeyWrapProvider;

  beforeEach(() => {
    backend = new Backend();
    time = 0;
    keys = withDataKeyCache(backend, LIMITS, { now: () => time });
  });

  const decrypt = (change: object = {}): Promise<DecryptResult> =>
    keys.decrypt({ ...INPUT, ...change });

  it('returns the same plaintext, as a separate copy, whatever the limits of use', async () => {
    const first = await decrypt();
    const second = await decrypt();
    expect(second).to.deep.equal(first);
    expect(Buffer.from(second.plaintext).toString()).to.equal(SECRET);
    first[Symbol.dispose]();
    expect((await decrypt()).plaintext).to.deep.equal(second.plaintext);
    expect(backend.calls).to.have.length(1);
  });

  it('returns it until maximumAge has passed, and wipes it', async () => {
    await decrypt();
    time += 1000;
    await decrypt();
    expect(backend.calls).to.have.length(1);
    time += 1;
    await decrypt();
    expect(backend.calls).to.have.length(2);
    expect(isWiped(backend.given[0])).to.equal(true);
  });

  for (const [what, change] of [
    ['another ciphertext', { ciphertext: sealed('another secret') }],
    ['another key id', { keyId: 'invoices' }],
    ['no key id', { keyId: undefined }],
    ['another context', { encryptionContext: { ab: 'c' } }],
    ['no context', { encryptionContext: undefined }],
    // Bytes around the ciphertext must not count as part of it.
    ['a context that ends as the ciphertext begins', { encryptionContext: { a: 'bc\n ' } }],
  ] as const) {
    it(`calls the provider for ${what}`, async () => {
      await decrypt();
      await decrypt(change);
      expect(backend.calls).to.have.length(2);
    });
  }

  it('makes one call for concurrent requests of the same plaintext', async () => {
    const { gate, open } = makeGate();
    backend.gate = gate;
    const waiting = Array.from({ length: 20 }, () => decrypt());
    open();
    const opened = await Promise.all(waiting);
    expect(new Set(opened.map(({ plaintext }) => plaintext.buffer)).size).to.equal(20);
    expect(backend.calls).to.have.length(1);
  });

  it('accepts a ciphertext that is wiped as soon as the call has returned', async () => {
    const ciphertext = sealed(SECRET);
    const opening = decrypt({ ciphertext });
    ciphertext.fill(0);
    expect(Buffer.from((await opening).plaintext).toString()).to.equal(SECRET);
  });

  it('rejects what the provider would reject, before the lookup', async () => {
    await decrypt();
    const misspelt = { ...INPUT, encryptioncontext: {} };
    const error = await keys.decrypt(misspelt).catch((reason: unknown) => reason);
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'encryptioncontext' });
    const signal = AbortSignal.abort();
    const aborted = await keys.decrypt(INPUT, { signal }).catch((reason: unknown) => reason);
    expect(aborted).to.include({ code: 'ABORTED', operation: 'decrypt' });
  });
});
