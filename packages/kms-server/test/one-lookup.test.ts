import { MemoryKeyStore } from '@keywrap/provider-local';
import type { KeyStore } from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { bytes, idOf, newKey, start } from './support.js';

/** A store in memory that counts what is looked up, by method; a look for changes of others is none of it. */
function countingStore() {
  const counts: Partial<Record<keyof KeyStore, number>> = {};
  const store = new Proxy(new MemoryKeyStore(), {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || name === 'lookOnce') return value;
      return (...args: unknown[]) => {
        const method = name as keyof KeyStore;
        counts[method] = (counts[method] ?? 0) + 1;
        return value.apply(target, args);
      };
    },
  });
  const take = () => {
    const taken = { ...counts };
    for (const name of Object.keys(counts) as (keyof KeyStore)[]) delete counts[name];
    return taken;
  };
  return { store, take };
}

describe('A request that uses a key', () => {
  it('looks the key up once, and an alias once', async () => {
    const { store, take } = countingStore();
    await using subject = await start({ store });
    const { kms } = subject;
    const arn = await newKey(kms);
    await kms.createAlias({ AliasName: 'alias/orders', TargetKeyId: arn });
    const { CiphertextBlob } = await kms.encrypt({ KeyId: arn, Plaintext: bytes('secret') });
    const signs = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' } as const;
    const signing = await newKey(kms, signs);
    const ecdsa = { SigningAlgorithm: 'ECDSA_SHA_256', Message: bytes('message') } as const;
    take();

    for (const KeyId of [arn, idOf(arn)]) {
      await kms.encrypt({ KeyId, Plaintext: bytes('secret') });
      expect(take(), 'Encrypt').to.deep.equal({ peekKey: 1 });
      await kms.generateDataKey({ KeyId, KeySpec: 'AES_256' });
      expect(take(), 'GenerateDataKey').to.deep.equal({ peekKey: 1 });
      await kms.decrypt({ CiphertextBlob, KeyId });
      expect(take(), 'Decrypt').to.deep.equal({ peekKey: 1 });
      await kms.reEncrypt({ CiphertextBlob, DestinationKeyId: KeyId });
      expect(take(), 'ReEncrypt, of its two keys').to.deep.equal({ peekKey: 2 });
    }
    await kms.encrypt({ KeyId: 'alias/orders', Plaintext: bytes('secret') });
    expect(take(), 'by an alias').to.deep.equal({ peekAlias: 1, peekKey: 1 });
    await kms.decrypt({ CiphertextBlob });
    expect(take(), 'by the ciphertext').to.deep.equal({ peekKey: 1 });
    await kms.sign({ KeyId: signing, ...ecdsa });
    expect(take(), 'Sign').to.deep.equal({ peekKey: 1 });
  });

  it('reads no more of a list than the page that it returns', async () => {
    const { store, take } = countingStore();
    await using subject = await start({ store });
    for (let i = 0; i < 5; i++) await newKey(subject.kms);
    take();
    const { Keys, Truncated } = await subject.kms.listKeys({ Limit: 2 });
    expect([Keys?.length, Truncated]).to.deep.equal([2, true]);
    expect(take()).to.deep.equal({ listKeys: 1 });
  });
});
