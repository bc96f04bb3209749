import {
  copyBytes,
  type HmacKeySpec,
  InvalidInputError,
  isDataKeyPairSpec,
  type KeySpec,
  wipe,
} from '@keywrap/core';
import type { CryptoEngine } from './cipher/engines/index.js';
import type { NewMaterial } from './keys/create.js';
import { KeyMaterial } from './keys/material.js';

/** Lengths in bytes: of an XAES-256-GCM key, and as many as the hash for HMAC. */
const LENGTHS = {
  SYMMETRIC_DEFAULT: 32,
  HMAC_224: 28,
  HMAC_256: 32,
  HMAC_384: 48,
  HMAC_512: 64,
} as const satisfies Record<'SYMMETRIC_DEFAULT' | HmacKeySpec, number>;

/** Generates the material of a new key. */
export async function makeMaterial(
  engine: Pick<CryptoEngine, 'generateKeyPair'>,
  keySpec: KeySpec,
): Promise<NewMaterial> {
  if (!isDataKeyPairSpec(keySpec)) {
    return { material: KeyMaterial.random(LENGTHS[keySpec]), publicKey: undefined };
  }
  const { privateKey, publicKey } = await engine.generateKeyPair(keySpec);
  return { material: new KeyMaterial(privateKey), publicKey };
}

/**
 * Copies material that was made elsewhere, and checks that it fits the key spec.
 *
 * @param keyMaterial The bytes of a symmetric or HMAC key; for RSA and ECC anything that
 * `readKeyMaterial` reads.
 * @throws {@link InvalidInputError} with the field `keyMaterial` or `passphrase`.
 */
export async function parseMaterial(
  keySpec: KeySpec,
  keyMaterial: Uint8Array | string,
  passphrase: string | undefined,
): Promise<NewMaterial> {
  if (!isDataKeyPairSpec(keySpec)) {
    const length = LENGTHS[keySpec];
    if (typeof keyMaterial === 'string' || keyMaterial.length !== length) {
      throw new InvalidInputError('keyMaterial', `must be ${length} bytes for ${keySpec}`);
    }
    if (passphrase !== undefined) {
      throw new InvalidInputError('passphrase', 'must be left out: these bytes are not encrypted');
    }
    return { material: new KeyMaterial(copyBytes(keyMaterial)), publicKey: undefined };
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
