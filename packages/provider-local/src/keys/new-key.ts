import {
  copyBytes,
  type DataKeyPairSpec,
  type HmacKeySpec,
  InvalidInputError,
  isRsaKeySpec,
  type KeySpec,
  type KeyUsage,
  newSecret,
  readBytes,
  wipe,
} from '@keywrap/core';
import type { CryptoEngine } from '../engines/index.js';
import { hideBytes } from './hide-bytes.js';
import type { MaterialVersion } from './key-record.js';

/** The bytes of an XAES-256-GCM key. */
const SYMMETRIC_LENGTH = 32;

const HMAC_LENGTH = {
  HMAC_224: 28,
  HMAC_256: 32,
  HMAC_384: 48,
  HMAC_512: 64,
} as const satisfies Record<HmacKeySpec, number>;

const USAGES: Readonly<Record<KeySpec, readonly KeyUsage[]>> = {
  SYMMETRIC_DEFAULT: ['ENCRYPT_DECRYPT'],
  RSA_2048: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  RSA_3072: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  RSA_4096: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  ECC_NIST_P256: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  ECC_NIST_P384: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  ECC_NIST_P521: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  ECC_SECG_P256K1: ['SIGN_VERIFY'],
  HMAC_224: ['GENERATE_VERIFY_MAC'],
  HMAC_256: ['GENERATE_VERIFY_MAC'],
  HMAC_384: ['GENERATE_VERIFY_MAC'],
  HMAC_512: ['GENERATE_VERIFY_MAC'],
};

/** What a kind of key can be for, the usual use first. */
export function keyUsagesOf(keySpec: KeySpec): readonly KeyUsage[] {
  return USAGES[keySpec];
}

/** Reads what kind of key to make. @throws {@link InvalidInputError} */
export function readKeySpec(value: unknown, field: string): KeySpec {
  if (value === undefined) return 'SYMMETRIC_DEFAULT';
  if (typeof value === 'string' && Object.hasOwn(USAGES, value)) return value as KeySpec;
  throw new InvalidInputError(field, `must be one of ${Object.keys(USAGES).join(', ')}`);
}

/**
 * Reads what a key is for: by default the first use of its kind
 * ([CreateKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html)).
 *
 * @throws {@link InvalidInputError}
 */
export function readKeyUsage(value: unknown, keySpec: KeySpec, field: string): KeyUsage {
  const usages = USAGES[keySpec];
  const usage = value === undefined ? usages[0] : usages.find((candidate) => candidate === value);
  if (usage === undefined) {
    throw new InvalidInputError(field, `must be ${usages.join(' or ')} for ${keySpec}`);
  }
  return usage;
}

/** Longest key material in any encoding, in bytes or characters. */
const MAXIMUM_ENCODED = 1024 * 1024;

/** Copies key material that a caller passed. @throws {@link InvalidInputError} */
export function copyMaterial(value: unknown, field: string): Uint8Array | string {
  if (typeof value !== 'string') return readBytes(value, field, MAXIMUM_ENCODED);
  if (value.length > 0 && value.length <= MAXIMUM_ENCODED) return value;
  throw new InvalidInputError(field, `must have 1 to ${MAXIMUM_ENCODED} characters`);
}

/** @throws {@link InvalidInputError} */
export function readPassphrase(value: unknown, field: string): string | undefined {
  if (value === undefined) return undefined;
  // Unpaired surrogates have no encoding: different passphrases would become the same bytes.
  if (typeof value === 'string' && value.isWellFormed()) return value;
  throw new InvalidInputError(field, 'must be a string of well-formed Unicode');
}

/** Makes the material of a new key. */
export async function makeMaterial(
  engine: CryptoEngine,
  keySpec: KeySpec,
): Promise<MaterialVersion> {
  const version = 1;
  if (isPairSpec(keySpec)) {
    const { privateKey, publicKey } = await engine.generateKeyPair(keySpec);
    return { version, material: hideBytes(privateKey), publicKey };
  }
  const length = materialLength(keySpec);
  return { version, material: hideBytes(crypto.getRandomValues(newSecret(length))) };
}

/**
 * Reads material that was made elsewhere into memory of its own, and checks that it is of the kind.
 *
 * @param keyMaterial The bytes of a symmetric or HMAC key; anything that `readKeyMaterial` reads of RSA
 * and ECC.
 * @throws {@link InvalidInputError} with the field `keyMaterial` or `passphrase`.
 */
export async function readMaterial(
  keySpec: KeySpec,
  keyMaterial: Uint8Array | string,
  passphrase: string | undefined,
): Promise<MaterialVersion> {
  if (!isPairSpec(keySpec)) {
    const length = materialLength(keySpec);
    if (typeof keyMaterial === 'string' || keyMaterial.length !== length) {
      throw new InvalidInputError('keyMaterial', `must be ${length} bytes for ${keySpec}`);
    }
    if (passphrase !== undefined) {
      throw new InvalidInputError('passphrase', 'is of no use: these bytes are not encrypted');
    }
    return { version: 1, material: hideBytes(copyBytes(keyMaterial)) };
  }
  // Loaded when needed: node-forge takes a while, and most keys are made here.
  const { readKeyMaterial } = await import('../key-files/index.js');
  const read = await readKeyMaterial(keyMaterial, { passphrase });
  if (read.type !== 'private') {
    throw new InvalidInputError('keyMaterial', 'is a public key; the private one is needed');
  }
  if (read.keySpec !== keySpec) {
    wipe(read.privateKey);
    throw new InvalidInputError('keyMaterial', `is ${read.keySpec}; the key is ${keySpec}`);
  }
  return { version: 1, material: hideBytes(read.privateKey), publicKey: read.publicKey };
}

function isPairSpec(spec: KeySpec): spec is DataKeyPairSpec {
  return isRsaKeySpec(spec) || spec.startsWith('ECC_');
}

function materialLength(spec: Exclude<KeySpec, DataKeyPairSpec>): number {
  return spec === 'SYMMETRIC_DEFAULT' ? SYMMETRIC_LENGTH : HMAC_LENGTH[spec];
}
