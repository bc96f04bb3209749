import { type AsymmetricAlgorithm, oaepHash } from '@keywrap/core';
import type { CallContext } from './key-use.js';
import type { Known } from './round-trip.js';

/**
 * Encrypts with a public key as an outside party does: RSAES-OAEP by Web Crypto, independent of the provider under
 * test.
 */
export async function encryptOutside(
  publicKey: Uint8Array,
  plaintext: Uint8Array,
  algorithm: AsymmetricAlgorithm,
): Promise<Uint8Array> {
  const parameters = { name: 'RSA-OAEP', hash: oaepHash(algorithm) };
  // Web Crypto rejects bytes that are shared with other threads; a copy never is.
  const spki = new Uint8Array(publicKey);
  const key = await crypto.subtle.importKey('spki', spki, parameters, false, ['encrypt']);
  return new Uint8Array(await crypto.subtle.encrypt(parameters, key, new Uint8Array(plaintext)));
}

/** Encrypts a secret outside, with the public key that the provider returns. */
export async function sealOutside<Key extends { keyId: string; algorithm: AsymmetricAlgorithm }>(
  { provider, secret }: CallContext,
  key: Key,
  plaintext: Uint8Array = secret(),
): Promise<Known & Key> {
  const { publicKey } = await provider.getPublicKey({ keyId: key.keyId });
  const ciphertext = await encryptOutside(publicKey, plaintext, key.algorithm);
  return { ...key, plaintext, ciphertext };
}
