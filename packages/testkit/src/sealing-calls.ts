import type { EncryptionContext, KeyWrapProvider } from '@keywrap/core';
import type { KeyRing } from './key-ring.js';
import { quickestPair } from './key-uses.js';
import type { Need } from './needs.js';

/** What a sealing call is given. It is read when the call is made, and may be changed after that. */
export interface SealingInput {
  keyId: string;
  encryptionContext?: EncryptionContext | undefined;
}

/** A call that makes a ciphertext under a symmetric key. */
export interface SealingCall {
  /** Stable: the number in the ids of the cases. */
  readonly number: string;
  readonly title: string;
  readonly operation: keyof KeyWrapProvider & string;
  readonly needs: readonly Need[];
  /** Resolves before the call is made, and gives the function that makes it at once. */
  prepare(
    context: { readonly provider: KeyWrapProvider; readonly keys: KeyRing },
    input: SealingInput,
  ): Promise<() => Promise<Uint8Array>>;
}

/**
 * Every call but `encrypt` that makes a ciphertext: a backend may do these inside, so what holds for
 * `encrypt` has to be tried with them as well.
 */
export const sealingCalls: readonly SealingCall[] = [
  ...(['generateDataKey', 'generateDataKeyWithoutPlaintext'] as const).map(
    (operation, i): SealingCall => ({
      number: `${i + 3}`,
      title: operation,
      operation,
      needs: ['dataKeys'],
      prepare: async ({ provider }, input) => {
        const request = Object.assign(input, { keySpec: 'AES_256' } as const);
        return async () => (await provider[operation](request)).ciphertext;
      },
    }),
  ),
  ...(['generateDataKeyPair', 'generateDataKeyPairWithoutPlaintext'] as const).map(
    (operation, i): SealingCall => ({
      number: `${i + 5}`,
      title: operation,
      operation,
      needs: ['dataKeyPairs'],
      prepare: async ({ provider }, input) => {
        const request = Object.assign(input, { keyPairSpec: quickestPair(provider) });
        return async () => (await provider[operation](request)).privateKeyCiphertext;
      },
    }),
  ),
  {
    number: '7',
    title: 'reEncrypt',
    operation: 'reEncrypt',
    needs: [],
    prepare: async ({ provider, keys }, destination) => {
      const { keyId, ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
      const request = { ciphertext, source: { keyId }, destination };
      return async () => (await provider.reEncrypt(request)).ciphertext;
    },
  },
  {
    number: '8',
    title: 'reEncrypt from an RSA key',
    operation: 'reEncrypt',
    needs: ['asymmetric', 'key:RSA_2048'],
    prepare: async ({ provider, keys }, destination) => {
      const { keyId, ciphertext } = await keys.sealed('RSA_2048');
      const source = { keyId, algorithm: keys.rsaAlgorithm };
      const request = { ciphertext, source, destination };
      return async () => (await provider.reEncrypt(request)).ciphertext;
    },
  },
];
