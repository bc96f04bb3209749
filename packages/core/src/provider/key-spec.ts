const SYMMETRIC = ['SYMMETRIC_DEFAULT'] as const;
/** The RSA algorithms of AWS KMS. */
const KMS_OAEP = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const;
const RSAES_OAEP = [...KMS_OAEP, 'RSAES_OAEP_SHA_384', 'RSAES_OAEP_SHA_512'] as const;

/** The algorithm of symmetric keys, under the name of AWS KMS (`EncryptionAlgorithmSpec`). */
export type SymmetricAlgorithm = (typeof SYMMETRIC)[number];

/**
 * RSAES-OAEP (RFC 8017 §7.1) with MGF1 over the same hash and an empty label. AWS KMS has SHA-1 and SHA-256; HSMs and
 * other clouds have others: see `capabilities.algorithms`.
 */
export type AsymmetricAlgorithm = (typeof RSAES_OAEP)[number];

/** Any algorithm that a provider can encrypt with. */
export type EncryptionAlgorithm = SymmetricAlgorithm | AsymmetricAlgorithm;

const RSA_KEY_SPECS = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const;
const ECC_KEY_SPECS = [
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
] as const;
const HMAC_KEY_SPECS = ['HMAC_224', 'HMAC_256', 'HMAC_384', 'HMAC_512'] as const;

/** RSA key sizes, in bits of the modulus. */
export type RsaKeySpec = (typeof RSA_KEY_SPECS)[number];

/** Elliptic curves: NIST P-256, P-384 and P-521 (FIPS 186-5), and secp256k1 (SEC 2). */
export type EccKeySpec = (typeof ECC_KEY_SPECS)[number];

/** HMAC keys. keywrap never computes MACs; it recognises these keys to reject them. */
export type HmacKeySpec = (typeof HMAC_KEY_SPECS)[number];

/** Every key spec of the contract. */
export const KEY_SPECS = Object.freeze([
  ...SYMMETRIC,
  ...RSA_KEY_SPECS,
  ...ECC_KEY_SPECS,
  ...HMAC_KEY_SPECS,
] as const);

/** The kind of key (AWS KMS: `KeySpec`). */
export type KeySpec = (typeof KEY_SPECS)[number];

/** Every kind of data key pair of the contract, also for `capabilities`. */
export const DATA_KEY_PAIR_SPECS = Object.freeze([...RSA_KEY_SPECS, ...ECC_KEY_SPECS] as const);

/** The kinds of data key pair that can be generated (AWS KMS: `DataKeyPairSpec`). */
export type DataKeyPairSpec = (typeof DATA_KEY_PAIR_SPECS)[number];

/** Every usage of a key. */
export const KEY_USAGES = Object.freeze([
  'ENCRYPT_DECRYPT',
  'SIGN_VERIFY',
  'GENERATE_VERIFY_MAC',
  'KEY_AGREEMENT',
] as const);

/** The usage of a key (AWS KMS: `KeyUsage`). Only `ENCRYPT_DECRYPT` keys wrap data keys. */
export type KeyUsage = (typeof KEY_USAGES)[number];

/** Every state of a key. */
export const KEY_STATES = Object.freeze([
  'Creating',
  'Enabled',
  'Disabled',
  'PendingDeletion',
  'PendingImport',
  'PendingReplicaDeletion',
  'Unavailable',
  'Updating',
  'DecryptOnly',
] as const);

/**
 * The state of a key (AWS KMS: `KeyState`). Only an `Enabled` key can be used; one that is `DecryptOnly` (not a state
 * of AWS KMS; PKCS #11: without `CKA_ENCRYPT`) decrypts what it encrypted earlier. KMIP: a deactivated key is
 * `DecryptOnly` if the server still decrypts with it, and otherwise `Disabled`; a pre-active one is `Disabled`.
 */
export type KeyState = (typeof KEY_STATES)[number];

/** Every origin of key material. */
export const KEY_ORIGINS = Object.freeze([
  'AWS_KMS',
  'EXTERNAL',
  'AWS_CLOUDHSM',
  'EXTERNAL_KEY_STORE',
  'HSM',
  'SOFTWARE',
] as const);

/**
 * The origin of the key material (AWS KMS: `Origin`). Other backends have `HSM` if an HSM made it, `SOFTWARE` if a
 * program did, and `EXTERNAL` if it was imported.
 */
export type KeyOrigin = (typeof KEY_ORIGINS)[number];

/** The standard sizes of a data key (AWS KMS: `DataKeySpec`). */
export type DataKeySpec = 'AES_256' | 'AES_128';

/** The limits of AWS KMS, in bytes unless stated otherwise. Every provider enforces them. */
export const LIMITS = Object.freeze({
  /** Longest plaintext under a symmetric key ([Encrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html)). */
  plaintext: 4096,
  /** Longest ciphertext ([Decrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html)). */
  ciphertext: 6144,
  /** Longest data key ([GenerateDataKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html)). */
  dataKey: 1024,
  /** Longest public key in DER ([GetPublicKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html)). */
  publicKey: 8192,
  /** Longest key identifier, in UTF-16 code units. */
  keyId: 2048,
  /** Longest serialised encryption context. */
  encryptionContext: 8192,
  /** The maximum number of grant tokens in a call. */
  grantTokens: 10,
  /** Longest grant token, in UTF-16 code units. */
  grantToken: 8192,
});

const DATA_KEY_BYTES = { AES_256: 32, AES_128: 16 } as const satisfies Record<DataKeySpec, number>;

/** Returns the length in bytes of a data key of this spec. */
export function dataKeyLength(spec: DataKeySpec): number {
  return DATA_KEY_BYTES[spec];
}

/** Every algorithm of the contract, also for `capabilities`. */
export const ENCRYPTION_ALGORITHMS: readonly EncryptionAlgorithm[] = Object.freeze([
  ...SYMMETRIC,
  ...RSAES_OAEP,
]);

const MODULUS_BYTES = { RSA_2048: 256, RSA_3072: 384, RSA_4096: 512 } as const satisfies Record<
  RsaKeySpec,
  number
>;

const HASHES = {
  RSAES_OAEP_SHA_1: { name: 'SHA-1', bytes: 20 },
  RSAES_OAEP_SHA_256: { name: 'SHA-256', bytes: 32 },
  RSAES_OAEP_SHA_384: { name: 'SHA-384', bytes: 48 },
  RSAES_OAEP_SHA_512: { name: 'SHA-512', bytes: 64 },
} as const satisfies Record<AsymmetricAlgorithm, object>;

/** The hash of an OAEP algorithm, under the name of Web Crypto. */
export type OaepHash = (typeof HASHES)[AsymmetricAlgorithm]['name'];

/** The usages of one kind of key, the default first, and the algorithms of each. */
type Usages = Readonly<Partial<Record<KeyUsage, readonly string[]>>>;

const RSA: Usages = {
  ENCRYPT_DECRYPT: KMS_OAEP,
  SIGN_VERIFY: [
    'RSASSA_PSS_SHA_256',
    'RSASSA_PSS_SHA_384',
    'RSASSA_PSS_SHA_512',
    'RSASSA_PKCS1_V1_5_SHA_256',
    'RSASSA_PKCS1_V1_5_SHA_384',
    'RSASSA_PKCS1_V1_5_SHA_512',
  ],
};

/** The usages of each kind of key ([key spec reference](https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html)). */
const KINDS: Readonly<Record<KeySpec, Usages>> = {
  SYMMETRIC_DEFAULT: { ENCRYPT_DECRYPT: SYMMETRIC },
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

/** Returns true for the name of a key spec. */
export function isKeySpec(value: unknown): value is KeySpec {
  return KEY_SPECS.includes(value as KeySpec);
}

/** Returns the usages of a kind of key, the default first. */
export function keyUsagesOf(spec: KeySpec): readonly KeyUsage[] {
  return Object.keys(KINDS[spec]) as KeyUsage[];
}

/**
 * Returns the algorithms that AWS KMS has for a kind of key and a usage; none if it can't have the usage.
 *
 * @example
 * ```ts
 * import { algorithmsOf } from '@keywrap/core';
 *
 * algorithmsOf('ECC_NIST_P256', 'SIGN_VERIFY'); // ['ECDSA_SHA_256']
 * ```
 */
export function algorithmsOf(spec: KeySpec, usage: KeyUsage): readonly string[] {
  const usages = KINDS[spec];
  return Object.hasOwn(usages, usage) ? [...(usages[usage] as readonly string[])] : [];
}

/** Returns true for the name of a standard data key. */
export function isDataKeySpec(value: unknown): value is DataKeySpec {
  return typeof value === 'string' && Object.hasOwn(DATA_KEY_BYTES, value);
}

/** Returns true for the name of a kind of data key pair. */
export function isDataKeyPairSpec(value: unknown): value is DataKeyPairSpec {
  return DATA_KEY_PAIR_SPECS.includes(value as DataKeyPairSpec);
}

/** Returns true for the spec of an RSA key. */
export function isRsaKeySpec(spec: string): spec is RsaKeySpec {
  return Object.hasOwn(MODULUS_BYTES, spec);
}

/** Returns true for an RSA algorithm. */
export function isAsymmetricAlgorithm(algorithm: string): algorithm is AsymmetricAlgorithm {
  return Object.hasOwn(HASHES, algorithm);
}

/** Returns the hash of an OAEP algorithm, under the name of Web Crypto: `SHA-256`. */
export function oaepHash(algorithm: AsymmetricAlgorithm): OaepHash {
  return HASHES[algorithm].name;
}

/** Returns true for the name of an algorithm of the contract. */
export function isEncryptionAlgorithm(value: unknown): value is EncryptionAlgorithm {
  return ENCRYPTION_ALGORITHMS.includes(value as EncryptionAlgorithm);
}

/**
 * Returns the algorithms that a kind of key encrypts with; none for a key that signs or makes MACs. A backend, or
 * one key, may have fewer: see {@link KeyDescription.algorithms}.
 *
 * @example
 * ```ts
 * import { encryptionAlgorithmsOf } from '@keywrap/core';
 *
 * encryptionAlgorithmsOf('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT'); // ['SYMMETRIC_DEFAULT']
 * ```
 */
export function encryptionAlgorithmsOf(
  spec: KeySpec,
  usage: KeyUsage,
): readonly EncryptionAlgorithm[] {
  if (usage !== 'ENCRYPT_DECRYPT' || !Object.hasOwn(KINDS[spec], usage)) return [];
  return isRsaKeySpec(spec) ? [...RSAES_OAEP] : [...SYMMETRIC];
}

/** Returns the spec of an RSA key from the length of its modulus in bytes; undefined for other lengths. */
export function rsaKeySpecOf(modulusLength: number): RsaKeySpec | undefined {
  const specs = Object.keys(MODULUS_BYTES) as RsaKeySpec[];
  return specs.find((spec) => MODULUS_BYTES[spec] === modulusLength);
}

/** Returns the length in bytes of a ciphertext under an RSA key: that of its modulus (RFC 8017 §7.1.1). */
export function rsaModulusLength(spec: RsaKeySpec): number {
  return MODULUS_BYTES[spec];
}

/**
 * Returns the maximum plaintext length of a key in bytes: 4096 for a symmetric key, `k - 2 * hLen - 2` for RSA
 * (RFC 8017 §7.1.1). Without `spec`, that of the largest key of the algorithm.
 *
 * @example
 * ```ts
 * import { maximumPlaintextLength } from '@keywrap/core';
 *
 * maximumPlaintextLength('RSAES_OAEP_SHA_256', 'RSA_2048'); // 190
 * ```
 */
export function maximumPlaintextLength(
  algorithm: EncryptionAlgorithm,
  spec: RsaKeySpec = 'RSA_4096',
): number {
  if (!isAsymmetricAlgorithm(algorithm)) return LIMITS.plaintext;
  return MODULUS_BYTES[spec] - 2 * HASHES[algorithm].bytes - 2;
}
