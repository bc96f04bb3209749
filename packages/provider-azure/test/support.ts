import { KeyWrapError } from '@keywrap/core';
import type { AzureKeyWrapProvider } from '@keywrap/provider-azure';
import { expect } from 'chai';
import type { KeyVault } from './key-vault.js';
import { isReal, startVault, type TestVault, type VaultKind } from './server.js';

/** Returns the error of a rejected promise, which must be one of the contract. */
export async function rejection(promise: Promise<unknown>): Promise<KeyWrapError> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(KeyWrapError);
    return error as KeyWrapError;
  }
  throw new Error('it did not reject');
}

/** A vault for as long as a test runs: the double, or the one that the environment names. */
export async function withVault(
  kind: VaultKind,
  test: (vault: TestVault) => Promise<void>,
): Promise<void> {
  const vault = await startVault(kind);
  try {
    await test(vault);
  } finally {
    await vault.close();
  }
}

/** Tests of the double: a real vault can't be told to fail, and does not say what it was sent. */
export const describeDouble = isReal ? describe.skip : describe;

/** A managed HSM that is a double, for as long as a test runs. */
export async function withDouble(
  test: (vault: TestVault, double: KeyVault) => Promise<void>,
): Promise<void> {
  await withVault('managed HSM', (vault) => test(vault, vault.double as KeyVault));
}

/** How a type of key is used. */
export interface Use {
  readonly type: 'AES' | 'RSA';
  encrypt(
    keys: AzureKeyWrapProvider,
    keyId: string,
  ): Promise<{ readonly ciphertext: Uint8Array; readonly keyVersion?: string | undefined }>;
  decrypt(
    keys: AzureKeyWrapProvider,
    keyId: string,
    ciphertext: Uint8Array,
  ): Promise<{ readonly plaintext: Uint8Array; readonly keyVersion?: string | undefined }>;
}

export const PLAINTEXT = Uint8Array.from({ length: 32 }, (_, i) => i);
export const CONTEXT = { order: '7' };
export const ALGORITHM = 'RSAES_OAEP_SHA_256';

const AES: Use = {
  type: 'AES',
  encrypt: (keys, keyId) =>
    keys.encrypt({ keyId, plaintext: PLAINTEXT, encryptionContext: CONTEXT }),
  decrypt: (keys, keyId, ciphertext) =>
    keys.decrypt({ keyId, ciphertext, encryptionContext: CONTEXT }),
};

const RSA: Use = {
  type: 'RSA',
  encrypt: (keys, keyId) => keys.encrypt({ keyId, algorithm: ALGORITHM, plaintext: PLAINTEXT }),
  decrypt: (keys, keyId, ciphertext) =>
    keys.decryptAsymmetric({ keyId, algorithm: ALGORITHM, ciphertext }),
};

/** The uses of a vault's keys. */
export function usesOf(kind: VaultKind): readonly Use[] {
  return kind === 'managed HSM' ? [AES, RSA] : [RSA];
}
