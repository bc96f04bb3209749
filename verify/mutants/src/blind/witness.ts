import {
  type EncryptionContext,
  KeyWrapError,
  type KeyWrapProvider,
  type RsaKeySpec,
} from '@keywrap/core';
import type { BlindKeys, BlindSubject, Open } from './blind-mutant.js';

/** A subject with one symmetric key. */
export interface Scene extends BlindSubject {
  readonly provider: KeyWrapProvider;
  readonly keys: BlindKeys;
  readonly keyId: string;
}

export const SYMMETRIC = { keySpec: 'SYMMETRIC_DEFAULT', keyUsage: 'ENCRYPT_DECRYPT' } as const;

/** Opens a subject with a symmetric key, and closes it after the work. */
export function withKey(work: (scene: Scene) => Promise<boolean>) {
  return async (open: Open): Promise<boolean> => {
    const subject = open();
    try {
      const { keyId } = await subject.keys.create(SYMMETRIC);
      return await work({ ...subject, keyId });
    } finally {
      await subject.provider.close();
      await subject.close?.();
    }
  };
}

/** As {@link withKey}, with an RSA key. */
export function withRsaKey(
  work: (scene: Scene) => Promise<boolean>,
  keySpec: RsaKeySpec = 'RSA_2048',
) {
  return withKey(async (scene) => {
    const { keyId } = await scene.keys.create({ keySpec, keyUsage: 'ENCRYPT_DECRYPT' });
    return work({ ...scene, keyId });
  });
}

/** The code of the error that a call rejects with, or `ok`. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await errorOf(call))?.code ?? 'ok';
}

export async function errorOf(call: Promise<unknown>): Promise<KeyWrapError | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof KeyWrapError) return error;
    throw error;
  }
}

/** Bytes that differ from those of other seeds. */
export function bytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (seed * 31 + i * 7 + (i >> 8) + (seed >> 3)) & 0xff);
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

export function hex(part: Uint8Array): string {
  return Buffer.from(part).toString('hex');
}

/** Runs one after the other. */
export async function inTurn<T>(
  count: number,
  work: (index: number) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (let i = 0; i < count; i++) results.push(await work(i));
  return results;
}

/** Runs all at once. */
export function atOnce<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => work(i)));
}

/** Encrypts under the scene's key, and returns the ciphertext. */
export async function encrypted(
  { provider, keyId }: Pick<Scene, 'provider' | 'keyId'>,
  plaintext: Uint8Array = bytes(32),
  encryptionContext: EncryptionContext = {},
): Promise<Uint8Array> {
  return (await provider.encrypt({ keyId, plaintext, encryptionContext })).ciphertext;
}

/** Decrypts under the scene's key, and returns a copy of the plaintext. */
export async function decrypted(
  { provider, keyId }: Pick<Scene, 'provider' | 'keyId'>,
  ciphertext: Uint8Array,
  encryptionContext: EncryptionContext = {},
): Promise<Uint8Array> {
  using result = await provider.decrypt({ keyId, ciphertext, encryptionContext });
  return result.plaintext.slice();
}

/** True if some 12 bytes at the same place of two ciphertexts are equal: under GCM, their nonce. */
export function haveSameNonce(ciphertexts: readonly Uint8Array[], from = 23): boolean {
  const nonces = ciphertexts.map((each) => hex(each.subarray(from, from + 12)));
  return new Set(nonces).size < nonces.length;
}

/** True if what was made under one context opens under the other. */
export function opensUnder(made: EncryptionContext, other: EncryptionContext) {
  return withKey(async (scene) => {
    const ciphertext = await encrypted(scene, bytes(32), made);
    return (await codeOf(decrypted(scene, ciphertext, other))) === 'ok';
  });
}

/** True if a plaintext does not come back. */
export function losesPlaintext(plaintext: Uint8Array) {
  return withKey(async (scene) => {
    const code = await codeOf(encrypted(scene, plaintext));
    if (code !== 'ok') return true;
    return !isSame(await decrypted(scene, await encrypted(scene, plaintext)), plaintext);
  });
}
