import type { CallOptions, DataKeyPairSpec, KeyWrapProvider } from '@keywrap/core';
import type { CaseContext } from './case.js';
import type { ErrorDetails } from './expect.js';
import type { KeyRing, SealedKey } from './key-ring.js';
import type { Need } from './needs.js';

/** What a use of a key needs of the context; another provider than the case's may be put in. */
export type UseContext = Pick<CaseContext, 'provider' | 'keys' | 'secret'>;

/**
 * One way in which a call uses a key. Rules about keys hold for all of them, on either side of
 * `reEncrypt`, so the cases for such a rule are made from this table.
 */
export interface KeyUse {
  /** Stable: the number in the ids of the cases. */
  readonly number: string;
  readonly title: string;
  readonly operation: keyof KeyWrapProvider & string;
  /** The kind of key that it is for. */
  readonly kind: 'SYMMETRIC_DEFAULT' | 'RSA_2048';
  readonly needs: readonly Need[];
  /** The path of `keyId` in the input; `undefined` when the ciphertext names the key. */
  readonly keyIdField: 'keyId' | 'source.keyId' | 'destination.keyId' | undefined;
  /** Uses the key, with the ciphertext where there is something to decrypt, and gives the ARN in the result. */
  call(context: UseContext, key: SealedKey, options?: CallOptions): Promise<string>;
}

const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;
const asymmetric = ['asymmetric', 'key:RSA_2048'] as const;

/** Every use of a symmetric key and of an RSA key, `describeKey` left out: that works in any state. */
export const keyUses: readonly KeyUse[] = [
  {
    number: '01',
    title: 'encrypt',
    operation: 'encrypt',
    kind: 'SYMMETRIC_DEFAULT',
    needs: symmetric,
    keyIdField: 'keyId',
    call: async ({ provider, secret }, { keyId }, options) =>
      (await provider.encrypt({ keyId, plaintext: secret() }, options)).keyId,
  },
  {
    number: '02',
    title: 'encrypt with RSA',
    operation: 'encrypt',
    kind: 'RSA_2048',
    needs: asymmetric,
    keyIdField: 'keyId',
    call: async ({ provider, keys, secret }, { keyId }, options) => {
      const input = { keyId, plaintext: secret(), algorithm: keys.rsaAlgorithm };
      return (await provider.encrypt(input, options)).keyId;
    },
  },
  {
    number: '03',
    title: 'decrypt with a keyId',
    operation: 'decrypt',
    kind: 'SYMMETRIC_DEFAULT',
    needs: symmetric,
    keyIdField: 'keyId',
    call: async ({ provider }, { keyId, ciphertext }, options) =>
      (await provider.decrypt({ keyId, ciphertext }, options)).keyId,
  },
  {
    number: '04',
    title: 'decrypt without a keyId',
    operation: 'decrypt',
    kind: 'SYMMETRIC_DEFAULT',
    needs: [...symmetric, 'keyIdFromCiphertext'],
    keyIdField: undefined,
    call: async ({ provider }, { ciphertext }, options) =>
      (await provider.decrypt({ ciphertext }, options)).keyId,
  },
  {
    number: '05',
    title: 'decryptAsymmetric',
    operation: 'decryptAsymmetric',
    kind: 'RSA_2048',
    needs: asymmetric,
    keyIdField: 'keyId',
    call: async ({ provider, keys }, { keyId, ciphertext }, options) => {
      const input = { keyId, ciphertext, algorithm: keys.rsaAlgorithm };
      return (await provider.decryptAsymmetric(input, options)).keyId;
    },
  },
  {
    number: '06',
    title: 'reEncrypt from a symmetric key that is named',
    operation: 'reEncrypt',
    kind: 'SYMMETRIC_DEFAULT',
    needs: symmetric,
    keyIdField: 'source.keyId',
    call: async ({ provider, keys }, { keyId, ciphertext }, options) => {
      const destination = { keyId: await keys.get() };
      const input = { ciphertext, source: { keyId }, destination };
      return (await provider.reEncrypt(input, options)).sourceKeyId;
    },
  },
  {
    number: '07',
    title: 'reEncrypt from a symmetric key that the ciphertext names',
    operation: 'reEncrypt',
    kind: 'SYMMETRIC_DEFAULT',
    needs: [...symmetric, 'keyIdFromCiphertext'],
    keyIdField: undefined,
    call: async ({ provider, keys }, { ciphertext }, options) => {
      const input = { ciphertext, destination: { keyId: await keys.get() } };
      return (await provider.reEncrypt(input, options)).sourceKeyId;
    },
  },
  {
    number: '08',
    title: 'reEncrypt from an RSA key',
    operation: 'reEncrypt',
    kind: 'RSA_2048',
    needs: asymmetric,
    keyIdField: 'source.keyId',
    call: async ({ provider, keys }, { keyId, ciphertext }, options) => {
      const algorithm = keys.rsaAlgorithm;
      const destination = { keyId: await keys.get('RSA_2048'), algorithm };
      const input = { ciphertext, source: { keyId, algorithm }, destination };
      return (await provider.reEncrypt(input, options)).sourceKeyId;
    },
  },
  {
    number: '09',
    title: 'reEncrypt to a symmetric key',
    operation: 'reEncrypt',
    kind: 'SYMMETRIC_DEFAULT',
    needs: symmetric,
    keyIdField: 'destination.keyId',
    call: async ({ provider, keys }, { keyId }, options) => {
      const from = await keys.sealed('SYMMETRIC_DEFAULT');
      const source = { keyId: from.keyId };
      const input = { ciphertext: from.ciphertext, source, destination: { keyId } };
      return (await provider.reEncrypt(input, options)).destinationKeyId;
    },
  },
  {
    number: '10',
    title: 'reEncrypt to an RSA key',
    operation: 'reEncrypt',
    kind: 'RSA_2048',
    needs: asymmetric,
    keyIdField: 'destination.keyId',
    call: async ({ provider, keys }, { keyId }, options) => {
      const algorithm = keys.rsaAlgorithm;
      const from = await keys.sealed('RSA_2048');
      const source = { keyId: from.keyId, algorithm };
      const destination = { keyId, algorithm };
      const input = { ciphertext: from.ciphertext, source, destination };
      return (await provider.reEncrypt(input, options)).destinationKeyId;
    },
  },
  {
    number: '11',
    title: 'generateDataKey',
    operation: 'generateDataKey',
    kind: 'SYMMETRIC_DEFAULT',
    needs: [...symmetric, 'dataKeys'],
    keyIdField: 'keyId',
    call: async ({ provider }, { keyId }, options) =>
      (await provider.generateDataKey({ keyId, keySpec: 'AES_256' }, options)).keyId,
  },
  {
    number: '12',
    title: 'generateDataKeyWithoutPlaintext',
    operation: 'generateDataKeyWithoutPlaintext',
    kind: 'SYMMETRIC_DEFAULT',
    needs: [...symmetric, 'dataKeys'],
    keyIdField: 'keyId',
    call: async ({ provider }, { keyId }, options) => {
      const input = { keyId, keySpec: 'AES_256' } as const;
      return (await provider.generateDataKeyWithoutPlaintext(input, options)).keyId;
    },
  },
  {
    number: '13',
    title: 'generateDataKeyPair',
    operation: 'generateDataKeyPair',
    kind: 'SYMMETRIC_DEFAULT',
    needs: [...symmetric, 'dataKeyPairs'],
    keyIdField: 'keyId',
    call: async ({ provider }, { keyId }, options) => {
      const input = { keyId, keyPairSpec: quickestPair(provider) };
      return (await provider.generateDataKeyPair(input, options)).keyId;
    },
  },
  {
    number: '14',
    title: 'generateDataKeyPairWithoutPlaintext',
    operation: 'generateDataKeyPairWithoutPlaintext',
    kind: 'SYMMETRIC_DEFAULT',
    needs: [...symmetric, 'dataKeyPairs'],
    keyIdField: 'keyId',
    call: async ({ provider }, { keyId }, options) => {
      const input = { keyId, keyPairSpec: quickestPair(provider) };
      return (await provider.generateDataKeyPairWithoutPlaintext(input, options)).keyId;
    },
  },
  {
    number: '15',
    title: 'getPublicKey',
    operation: 'getPublicKey',
    kind: 'RSA_2048',
    needs: asymmetric,
    keyIdField: 'keyId',
    call: async ({ provider }, { keyId }, options) =>
      (await provider.getPublicKey({ keyId }, options)).keyId,
  },
];

/** The uses that open a ciphertext. */
export const openingUses = keyUses.filter(
  ({ operation, keyIdField }) =>
    operation.startsWith('decrypt') ||
    (operation === 'reEncrypt' && keyIdField !== 'destination.keyId'),
);

/** The one call that needs no usable key. */
export const describeUse: KeyUse = {
  number: '16',
  title: 'describeKey',
  operation: 'describeKey',
  kind: 'SYMMETRIC_DEFAULT',
  needs: ['key:SYMMETRIC_DEFAULT'],
  keyIdField: 'keyId',
  call: async ({ provider }, { keyId }, options) =>
    (await provider.describeKey({ keyId }, options)).keyId,
};

/** Every call of a provider but `close`. */
export const allUses: readonly KeyUse[] = [...keyUses, describeUse];

/** The kind of pair that is generated fastest: elliptic curves take no search for primes. */
export function quickestPair({ capabilities }: KeyWrapProvider): DataKeyPairSpec {
  const specs = capabilities.dataKeyPairSpecs;
  const [first] = specs;
  if (first === undefined) throw new Error('the provider declares no kind of data key pair');
  return specs.find((spec) => spec.startsWith('ECC_')) ?? first;
}

/** What an error about this key must say. One of `reEncrypt` may name either of its two keys. */
export function errorDetails({ operation, keyIdField }: KeyUse, keyId: string): ErrorDetails {
  return { operation, keyId: keyIdField === 'keyId' ? [keyId] : undefined };
}

/** A shared key of the kind that a use is for, with a ciphertext; another `index`, another key. */
export function keyFor(use: KeyUse, keys: KeyRing, index = 0): Promise<SealedKey> {
  return use === describeUse
    ? keys.get(use.kind, index).then((keyId) => ({ keyId, ciphertext: new Uint8Array(1) }))
    : keys.sealed(use.kind, index);
}
