/** A hash function, as Web Crypto names it. */
export type Hash = 'SHA-256' | 'SHA-384' | 'SHA-512';

/** A curve of ECDSA (FIPS 186-5), as Web Crypto names it. */
export type Curve = 'P-256' | 'P-384';

/**
 * An algorithm suite of the AWS Encryption SDK: AES-GCM with a 12-byte IV and a 16-byte tag, and what the fields
 * say ([algorithm
 * suites](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/algorithm-suites.md)).
 */
export interface AlgorithmSuite {
  /** The two bytes that identify the suite in a message. */
  readonly id: number;
  readonly name: AlgorithmSuiteName;
  /** The version of the message format. */
  readonly version: 1 | 2;
  /** The length of the data key and of the AES key, in bytes. */
  readonly keyLength: 16 | 24 | 32;
  /** The hash of HKDF; undefined if the data key itself is the AES key (Identity KDF). */
  readonly hash: Hash | undefined;
  /** True if a message opens under exactly one data key. */
  readonly commits: boolean;
  /** The curve of the signature, for a suite that signs. */
  readonly curve: Curve | undefined;
}

/** The name of a suite in the specification. */
export type AlgorithmSuiteName = (typeof ROWS)[number][1];

export const IV_LENGTH = 12;
export const TAG_LENGTH = 16;
/** The length of the commit key, which is the algorithm suite data of the suites that commit. */
export const COMMIT_KEY_LENGTH = 32;

// "Supported Algorithm Suites" and the four tables of settings that follow it.
const ROWS = [
  [0x0578, 'ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384', 2, 32, 'SHA-512', true, 'P-384'],
  [0x0478, 'ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY', 2, 32, 'SHA-512', true, undefined],
  [0x0378, 'ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384', 1, 32, 'SHA-384', false, 'P-384'],
  [0x0346, 'ALG_AES_192_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384', 1, 24, 'SHA-384', false, 'P-384'],
  [0x0214, 'ALG_AES_128_GCM_IV12_TAG16_HKDF_SHA256_ECDSA_P256', 1, 16, 'SHA-256', false, 'P-256'],
  [0x0178, 'ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA256', 1, 32, 'SHA-256', false, undefined],
  [0x0146, 'ALG_AES_192_GCM_IV12_TAG16_HKDF_SHA256', 1, 24, 'SHA-256', false, undefined],
  [0x0114, 'ALG_AES_128_GCM_IV12_TAG16_HKDF_SHA256', 1, 16, 'SHA-256', false, undefined],
  [0x0078, 'ALG_AES_256_GCM_IV12_TAG16_NO_KDF', 1, 32, undefined, false, undefined],
  [0x0046, 'ALG_AES_192_GCM_IV12_TAG16_NO_KDF', 1, 24, undefined, false, undefined],
  [0x0014, 'ALG_AES_128_GCM_IV12_TAG16_NO_KDF', 1, 16, undefined, false, undefined],
] as const;

const SUITES: ReadonlyMap<number, AlgorithmSuite> = new Map(
  ROWS.map(([id, name, version, keyLength, hash, commits, curve]) => [
    id,
    Object.freeze({ id, name, version, keyLength, hash, commits, curve }),
  ]),
);

/** Returns the suite of an id; undefined for an unknown one. */
export function algorithmSuiteOf(id: number): AlgorithmSuite | undefined {
  return SUITES.get(id);
}

/**
 * Tells whether two bytes may identify a suite that a later specification adds: the low byte of every id is one of three, for
 * the length of the AES key, and the high byte is small. Few texts start so.
 */
export function isSuiteLike(id: number): boolean {
  return KEY_LENGTH_BYTES.has(id & 0xff) && id < 0x1000;
}

const KEY_LENGTH_BYTES: ReadonlySet<number> = new Set(ROWS.map(([id]) => id & 0xff));

/** The suites that messages are written with: both commit to their data key. */
export const SUITE = SUITES.get(0x0478) as AlgorithmSuite;
export const SIGNING_SUITE = SUITES.get(0x0578) as AlgorithmSuite;
