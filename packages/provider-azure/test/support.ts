import { KeyWrapError } from '@keywrap/core';
import { AzureKeyWrapProvider, type AzureKeyWrapProviderOptions } from '@keywrap/provider-azure';
import { expect } from 'chai';
import { CLIENT_OPTIONS, CREDENTIAL, type KeyVault, startKeyVault } from './key-vault.js';

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

/** A vault for as long as a test runs. */
export async function withVault(
  test: (vault: KeyVault, open: (options?: object) => AzureKeyWrapProvider) => Promise<void>,
): Promise<void> {
  const vault = await startKeyVault();
  const open = (options = {}) =>
    new AzureKeyWrapProvider({
      vaultUrl: vault.url,
      credential: CREDENTIAL,
      managedHsm: true,
      clientOptions: CLIENT_OPTIONS,
      ...options,
    } as AzureKeyWrapProviderOptions);
  try {
    await test(vault, open);
  } finally {
    await vault.close();
  }
}
