import { ENCRYPTION_ALGORITHMS, type ProviderCapabilities } from '@keywrap/core';

/** Everything but key pairs, which no shape changes. */
export const EVERYTHING: ProviderCapabilities = {
  algorithms: ENCRYPTION_ALGORITHMS,
  encryptionContext: true,
  keyIdFromCiphertext: true,
  dataKeys: true,
  dataKeyPairSpecs: [],
};

/** Ciphertexts do not identify their key. */
export const UNNAMED: ProviderCapabilities = { ...EVERYTHING, keyIdFromCiphertext: false };

/** RSA keys and nothing else; data keys are wrapped under them. */
export const RSA_ALONE: ProviderCapabilities = {
  algorithms: ['RSAES_OAEP_SHA_1'],
  encryptionContext: false,
  keyIdFromCiphertext: false,
  dataKeys: true,
  dataKeyAlgorithm: 'RSAES_OAEP_SHA_1',
  dataKeyPairSpecs: [],
};
