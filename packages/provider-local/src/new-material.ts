import {
  copyBytes,
  type HmacKeySpec,
  InvalidInputError,
  isDataKeyPairSpec,
  type KeySpec,
  wipe,
} from '@keywrap/core';
import type { CryptoEngine } from './cipher/engines/index.js';
import { decodeBase64, describeText } from './key-files/base64.js';
import type { NewMaterial } from './keys/create.js';
import { KeyMaterial } from './keys/material.js';

/** Lengths in bytes of generated material: of an XAES-256-GCM key, and as many as the hash for HMAC. */
const LENGTHS = {
  SYMMETRIC_DEFAULT: 32,
  HMAC_224: 28,
  HMAC_256: 32,
  HMAC_384: 48,
  HMAC_512: 64,
} as const satisfies Record<'SYMMETRIC_DEFAULT' | HmacKeySpec, number>;

/**
 * The most bytes of imported HMAC material
 * ([requirements](https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html#importing-keys-material-requirements)):
 * the longest block of a hash, which HMAC uses unhashed (RFC 2104 §2).
 */
const MAXIMUM_HMAC_LENGTH = 128;

/** Generates the material of a new key. */
export async function makeMaterial(engine: CryptoEngine, keySpec: KeySpec): Promise<NewMaterial> {
  if (!isDataKeyPairSpec(keySpec)) {
    return { material: KeyMaterial.random(LENGTHS[keySpec]), publicKey: undefined };
  }
  const { privateKey, publicKey } = await engine.generateKeyPair(keySpec);
  return { material: new KeyMaterial(privateKey), publicKey };
}

/**
 * Copies material that was made elsewhere, and checks that it fits the key spec.
 *
 * @param keyMaterial The bytes of a symmetric or HMAC key, or base64 of them; for RSA and ECC anything that
 * `readKeyMaterial` reads.
 * @throws {@link InvalidInputError} with the field `keyMaterial` or `passphrase`.
 */
export async function parseMaterial(
  keySpec: KeySpec,
  keyMaterial: Uint8Array | string,
  passphrase: string | undefined,
): Promise<NewMaterial> {
  if (!isDataKeyPairSpec(keySpec)) {
    if (passphrase !== undefined) {
      throw new InvalidInputError('passphrase', 'must be left out: these bytes are not encrypted');
    }
    return { material: new KeyMaterial(parseRaw(keySpec, keyMaterial)), publicKey: undefined };
  }
  // Loaded when needed: node-forge takes a while to load, and most keys are generated.
  const { readKeyMaterial } = await import('./key-files/index.js');
  const read = await readKeyMaterial(keyMaterial, { passphrase });
  if (read.type !== 'private') {
    throw new InvalidInputError('keyMaterial', 'is a public key; the private one is needed');
  }
  if (read.keySpec !== keySpec) {
    wipe(read.privateKey);
    throw new InvalidInputError('keyMaterial', `is ${read.keySpec}; the key is ${keySpec}`);
  }
  return { material: new KeyMaterial(read.privateKey), publicKey: read.publicKey };
}

/** @returns A copy. */
function parseRaw(keySpec: keyof typeof LENGTHS, keyMaterial: Uint8Array | string): Uint8Array {
  const least = LENGTHS[keySpec];
  const most = keySpec === 'SYMMETRIC_DEFAULT' ? least : MAXIMUM_HMAC_LENGTH;
  const isText = typeof keyMaterial === 'string';
  const text = isText ? keyMaterial.replace(/^\ufeff/, '') : '';
  const bytes = isText ? decodeBase64(text) : copyBytes(keyMaterial);
  if (bytes !== undefined && bytes.length >= least && bytes.length <= most) return bytes;
  if (bytes !== undefined) wipe(bytes);
  const wanted = `${isText ? 'base64 of ' : ''}${least === most ? least : `${least} to ${most}`} bytes`;
  const arrived = isText ? describeText(text) : `${keyMaterial.length} bytes`;
  throw new InvalidInputError('keyMaterial', `must be ${wanted} for ${keySpec}; it is ${arrived}`);
}
