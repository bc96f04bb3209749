import * as core from '@keywrap/core';
import { createProvider, type EncryptionContext } from '@keywrap/core';
import { expect } from 'chai';
import { otherCopy } from './support/other-copy.js';
import { ARN, minimalDriver } from './support/scripted-driver.js';

const CONTEXT = { tenant: 'a', table: 'orders' };

describe('two copies of the package in one program', () => {
  let other: Awaited<ReturnType<typeof otherCopy>>;
  before(async () => {
    other = await otherCopy();
  });

  const recording = () => {
    const contexts: EncryptionContext[] = [];
    const driver = minimalDriver({
      encrypt: async ({ encryptionContext }) => {
        contexts.push({ ...encryptionContext });
        return { ciphertext: Uint8Array.of(1), keyId: ARN };
      },
    });
    return { driver, contexts };
  };

  it('hand a context on: a layer of one around a provider of the other', async () => {
    const { driver, contexts } = recording();
    const limits = { maximumUses: 2, maximumBytes: 64, maximumAge: 60_000 };
    const layered = [
      await core.withTrustedKeys(other.createProvider(driver), [ARN]),
      await other.withTrustedKeys(createProvider(driver), [ARN]),
      other.withDataKeyCache(createProvider(driver), limits),
    ];
    for (const provider of layered) {
      await provider.generateDataKey({
        keyId: ARN,
        keySpec: 'AES_256',
        encryptionContext: CONTEXT,
      });
    }
    expect(contexts).to.deep.equal([CONTEXT, CONTEXT, CONTEXT]);
  });

  it('hand a context on: a driver for one that calls a provider of the other', async () => {
    const { driver, contexts } = recording();
    const inner = createProvider(driver);
    const outer = other.createProvider(
      minimalDriver({
        encrypt: ({ key, plaintext, encryptionContext }) =>
          inner.encrypt({ keyId: key.text, plaintext, encryptionContext }),
      }),
    );
    await outer.encrypt({ keyId: ARN, plaintext: Uint8Array.of(1), encryptionContext: CONTEXT });
    expect(contexts).to.deep.equal([CONTEXT]);
  });
});
