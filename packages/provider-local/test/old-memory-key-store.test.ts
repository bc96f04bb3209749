import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local/old-keys';
import { expect } from 'chai';
import { newRecord } from './file-store/support.js';

describe('a key store in memory', () => {
  const waiting = () => ({ version: 2, material: new Uint8Array(32).fill(7) });

  it('wipes material that waited when it is dropped, and not when it comes into use', () => {
    const store = new MemoryKeyStore();
    const [dropped, used] = [waiting(), waiting()];
    store.changeKey('a', () => newRecord('a', { pendingMaterial: dropped }));
    store.changeKey('a', (key) => key && { ...key, pendingMaterial: used });
    expect(dropped.material).to.deep.equal(new Uint8Array(32));
    store.changeKey('a', (key) => {
      if (key === undefined) return key;
      return { ...key, pendingMaterial: undefined, materials: [...key.materials, used] };
    });
    expect(used.material).to.deep.equal(waiting().material);
    store.close();
    expect(used.material).to.deep.equal(new Uint8Array(32));
  });

  it('keeps what a program keeps beside a key, whatever the provider does with the key', async () => {
    const store = new MemoryKeyStore();
    const provider = new LocalKeyWrapProvider({ store });
    const beside = { pendingMaterial: waiting(), details: '{"tags":[]}' };
    const keyId = 'a';
    store.changeKey(keyId, () => newRecord(keyId, beside));
    await provider.disableKey({ keyId });
    await provider.enableKey({ keyId });
    await provider.rotateKey({ keyId });
    await provider.scheduleKeyDeletion({ keyId });
    await provider.cancelKeyDeletion({ keyId });
    expect(store.readKey(keyId)).to.include(beside);
  });
});
