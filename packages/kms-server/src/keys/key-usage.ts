import type { KeySpec, KeyUsage } from '@keywrap/core';
import { KmsError } from '../protocol/kms-error.js';
import type { RegionKeys } from './key-store.js';
import type { KmsKey } from './kms-key.js';

const RSA_SIGNING = [
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
] as const;
const RSA_ENCRYPTION = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const;
const RSA = { ENCRYPT_DECRYPT: RSA_ENCRYPTION, SIGN_VERIFY: RSA_SIGNING };

/**
 * What each kind of key does
 * ([key spec reference](https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html)).
 */
const ALGORITHMS: Readonly<Record<KeySpec, Partial<Record<KeyUsage, readonly string[]>>>> = {
  SYMMETRIC_DEFAULT: { ENCRYPT_DECRYPT: ['SYMMETRIC_DEFAULT'] },
  RSA_2048: RSA,
  RSA_3072: RSA,
  RSA_4096: RSA,
  ECC_NIST_P256: { SIGN_VERIFY: ['ECDSA_SHA_256'], KEY_AGREEMENT: ['ECDH'] },
  ECC_NIST_P384: { SIGN_VERIFY: ['ECDSA_SHA_384'], KEY_AGREEMENT: ['ECDH'] },
  ECC_NIST_P521: { SIGN_VERIFY: ['ECDSA_SHA_512'], KEY_AGREEMENT: ['ECDH'] },
  ECC_SECG_P256K1: { SIGN_VERIFY: ['ECDSA_SHA_256'] },
  HMAC_224: { GENERATE_VERIFY_MAC: ['HMAC_SHA_224'] },
  HMAC_256: { GENERATE_VERIFY_MAC: ['HMAC_SHA_256'] },
  HMAC_384: { GENERATE_VERIFY_MAC: ['HMAC_SHA_384'] },
  HMAC_512: { GENERATE_VERIFY_MAC: ['HMAC_SHA_512'] },
};

/** The algorithms of a key. */
export function algorithmsOf({ keySpec, keyUsage }: KmsKey): readonly string[] {
  return ALGORITHMS[keySpec][keyUsage] ?? [];
}

const MEMBERS = {
  ENCRYPT_DECRYPT: 'EncryptionAlgorithms',
  SIGN_VERIFY: 'SigningAlgorithms',
  GENERATE_VERIFY_MAC: 'MacAlgorithms',
  KEY_AGREEMENT: 'KeyAgreementAlgorithms',
} as const satisfies Record<KeyUsage, string>;

/** The algorithms of a key in the member of a response that is for its use. */
export function describeAlgorithms(key: KmsKey): Readonly<Record<string, readonly string[]>> {
  return { [MEMBERS[key.keyUsage]]: algorithmsOf(key) };
}

/**
 * Refuses a key that is for something else, or not with this algorithm.
 *
 * @param operation As KMS calls it in the message; for ReEncrypt it calls the two sides differently.
 * @throws KmsError `InvalidKeyUsageException`
 */
export function assertUsage(
  operation: string,
  key: KmsKey,
  keys: RegionKeys,
  usage: KeyUsage,
  algorithm: string,
): void {
  if (key.keyUsage !== usage) {
    throw invalidKeyUsage(
      `${keys.arnOf(key)} key usage is ${key.keyUsage} which is not valid for ${operation}.`,
    );
  }
  if (!algorithmsOf(key).includes(algorithm)) {
    throw invalidKeyUsage(`Algorithm ${algorithm} is incompatible with key spec ${key.keySpec}.`);
  }
}

function invalidKeyUsage(message: string): KmsError {
  return new KmsError('InvalidKeyUsageException', message);
}
