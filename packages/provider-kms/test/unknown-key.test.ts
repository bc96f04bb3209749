import type { KeyWrapProvider } from '@keywrap/core';
import { startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';
import { CREDENTIALS, rejection } from './support.js';

describe('A ciphertext whose key does not exist has the same error', () => {
  const codesOf = async (provider: KeyWrapProvider, ciphertext: Uint8Array) => {
    const destination = { keyId: 'alias/orders' };
    const source = { keyId: 'alias/orders' };
    const calls = [
      provider.decrypt({ ciphertext }),
      provider.reEncrypt({ ciphertext, destination }),
      provider.decrypt({ ...source, ciphertext }),
      provider.reEncrypt({ ciphertext, source, destination }),
    ];
    return Promise.all(calls.map(async (call) => (await rejection(call)).code));
  };
  const expected = ['ACCESS_DENIED', 'ACCESS_DENIED', 'INCORRECT_KEY', 'INCORRECT_KEY'];
  const sealed = async (provider: KeyWrapProvider) =>
    (await provider.encrypt({ keyId: 'alias/orders', plaintext: Uint8Array.of(1) })).ciphertext;

  it('from AWS KMS', async () => {
    const regions = ['eu-west-1', 'us-east-1'];
    const keys = regions.map((region) => ({ alias: 'alias/orders', region }));
    await using server = await startKmsServer({ port: 0, keys });
    const [here, elsewhere] = regions.map(
      (region) =>
        new KmsKeyWrapProvider({ region, endpoint: server.url, credentials: CREDENTIALS }),
    ) as [KmsKeyWrapProvider, KmsKeyWrapProvider];
    expect(await codesOf(here, await sealed(elsewhere))).to.deep.equal(expected);
    await Promise.all([here.close(), elsewhere.close()]);
  });

  it('from keys on this machine', async () => {
    const [here, elsewhere] = [1, 2].map(
      () => new LocalKeyWrapProvider({ keys: ['alias/orders'] }),
    ) as [LocalKeyWrapProvider, LocalKeyWrapProvider];
    expect(await codesOf(here, await sealed(elsewhere))).to.deep.equal(expected);
  });
});
