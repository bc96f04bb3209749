/** A ciphertext: the version of its key in 32 hexadecimal digits, then what the vault made. */
export interface Ciphertext {
  /** Undefined for a ciphertext of another program. */
  readonly version: string | undefined;
  readonly payload: Uint8Array;
}

const VERSION_LENGTH = 32;
const RSA_LENGTHS: readonly number[] = [256, 384, 512];

export const IV_LENGTH = 12;
export const TAG_LENGTH = 16;

/** Puts the version in front of what the vault made, which does not name it. */
export function withVersion(version: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.from(version, 'latin1'), ...parts]);
}

/**
 * Reads an RSA ciphertext, with a version or, from another program, without.
 *
 * @returns undefined for any other length.
 */
export function readRsa(bytes: Uint8Array): Ciphertext | undefined {
  if (RSA_LENGTHS.includes(bytes.length)) return { version: undefined, payload: bytes };
  const ciphertext = readVersion(bytes);
  return ciphertext && RSA_LENGTHS.includes(ciphertext.payload.length) ? ciphertext : undefined;
}

/** Reads a ciphertext with a version. Upper case would name the same version by other bytes. */
export function readVersion(bytes: Uint8Array): Ciphertext | undefined {
  const version = Buffer.from(bytes.subarray(0, VERSION_LENGTH)).toString('latin1');
  if (!/^[0-9a-f]{32}$/.test(version)) return undefined;
  return { version, payload: bytes.subarray(VERSION_LENGTH) };
}
