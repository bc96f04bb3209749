import {
  createProvider,
  InvalidInputError,
  LIMITS,
  limitOf,
  type ProviderLimits,
} from '@keywrap/core';
import { expect } from 'chai';
import { expectRejection } from '../support/failures.js';
import { CALLS, minimalDriver } from '../support/scripted-driver.js';

const limits: ProviderLimits = { plaintext: 100, ciphertext: 200, encryptionContext: 50 };
const bytes = (length: number) => new Uint8Array(length).fill(1);
/** A context of this serialised length. */
const contextOf = (length: number) => ({ k: 'v'.repeat(length - 7) });

/** A provider that declares lower limits, and the functions that it was asked for. */
function limited(capabilities: Parameters<typeof minimalDriver>[1] = {}) {
  const { encrypt, decrypt } = minimalDriver();
  const called: string[] = [];
  const provider = createProvider(
    minimalDriver(
      {
        encrypt: (...input) => {
          called.push('encrypt');
          return encrypt(...input);
        },
        decrypt: (...input) => {
          called.push('decrypt');
          return decrypt(...input);
        },
      },
      { limits, ...capabilities },
    ),
  );
  return { provider, called };
}

describe('a provider with lower limits', () => {
  it('accepts what they allow', async () => {
    const { provider, called } = limited();
    const encryptionContext = contextOf(50);
    await provider.encrypt({ ...CALLS.encrypt, plaintext: bytes(100), encryptionContext });
    await provider.decrypt({ ...CALLS.decrypt, ciphertext: bytes(200) });
    await provider.generateDataKey({ keyId: 'alias/orders', numberOfBytes: 100 });
    expect(called).to.deep.equal(['encrypt', 'decrypt', 'encrypt']);
  });

  it('rejects one byte more, before the driver is called (INVALID_INPUT)', async () => {
    const { provider, called } = limited();
    const encryptionContext = contextOf(51);
    const side = { keyId: 'alias/orders' };
    for (const [call, field] of [
      [provider.encrypt({ ...side, plaintext: bytes(101) }), 'plaintext'],
      [provider.encrypt({ ...side, plaintext: bytes(1), encryptionContext }), 'encryptionContext'],
      [provider.decrypt({ ...side, ciphertext: bytes(201) }), 'ciphertext'],
      [provider.reEncrypt({ ciphertext: bytes(201), destination: side }), 'ciphertext'],
      [
        provider.reEncrypt({ ciphertext: bytes(1), destination: { ...side, encryptionContext } }),
        'destination.encryptionContext',
      ],
      [provider.generateDataKey({ ...side, numberOfBytes: 101 }), 'numberOfBytes'],
    ] as const) {
      await expectRejection(call, InvalidInputError, { field });
    }
    expect(called).to.deep.equal([]);
  });

  it('rejects a context that was parsed before, if it is too long here', async () => {
    const { provider } = limited();
    const { provider: other } = limited({ limits: undefined });
    const encryptionContext = contextOf(51);
    await other.encrypt({ ...CALLS.encrypt, encryptionContext });
    const call = provider.encrypt({ ...CALLS.encrypt, encryptionContext });
    await expectRejection(call, InvalidInputError, { field: 'encryptionContext' });
  });

  it('rejects a reEncrypt whose plaintext is longer, and names the ciphertext', async () => {
    const provider = createProvider(
      minimalDriver({ decrypt: () => ({ plaintext: bytes(101), keyId: limitedKey }) }, { limits }),
    );
    const call = provider.reEncrypt({ ciphertext: bytes(1), destination: { keyId: limitedKey } });
    await expectRejection(call, InvalidInputError, { field: 'ciphertext' });
  });

  it('wraps data keys under RSA as long as RSA allows', async () => {
    const { provider } = limited({
      algorithms: ['RSAES_OAEP_SHA_512'],
      dataKeyAlgorithm: 'RSAES_OAEP_SHA_512',
    });
    await provider.generateDataKey({ keyId: limitedKey, numberOfBytes: 382 });
    const call = provider.generateDataKey({ keyId: limitedKey, numberOfBytes: 383 });
    await expectRejection(call, InvalidInputError, { field: 'numberOfBytes' });
  });
});

const limitedKey = 'arn:aws:kms:eu-west-1:111122223333:key/orders';

describe('limitOf', () => {
  it('is what the provider declares, and never more than LIMITS', () => {
    expect(limitOf({ limits }, 'plaintext')).to.equal(100);
    expect(limitOf({ limits: {} }, 'plaintext')).to.equal(LIMITS.plaintext);
    expect(limitOf({}, 'ciphertext')).to.equal(LIMITS.ciphertext);
    for (const ciphertext of [LIMITS.ciphertext + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(limitOf({ limits: { ciphertext } }, 'ciphertext')).to.equal(LIMITS.ciphertext);
    }
  });
});
