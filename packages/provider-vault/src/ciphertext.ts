/** A ciphertext of transit: `vault:v<version>:<base64>`. */
export interface Ciphertext {
  readonly text: string;
  readonly version: string;
  /** For an AEAD: nonce, ciphertext and tag. For RSA: as long as the modulus. */
  readonly payload: Uint8Array;
}

const FORM = /^vault:v([1-9]\d{0,8}):([A-Za-z0-9+/]+={0,2})$/;

/** The lengths of nonce and tag: 96-bit nonces, and XChaCha20-Poly1305's of 192 bits. */
const AEAD_OVERHEADS: readonly number[] = [12 + 16, 24 + 16];

const RSA_LENGTHS: readonly number[] = [256, 384, 512];

/**
 * Parses a ciphertext, in its one canonical form only. The server reads leniently: `v01`, line breaks and loose bits
 * of base64 open, so that one ciphertext would have many forms.
 *
 * @returns undefined for anything else.
 */
export function parseCiphertext(value: unknown): Ciphertext | undefined {
  const text = typeof value === 'string' ? value : '';
  const [, version, base64 = ''] = FORM.exec(text) ?? [];
  if (version === undefined) return undefined;
  const payload = Buffer.from(base64, 'base64');
  return payload.toString('base64') === base64 ? { text, version, payload } : undefined;
}

/** Parses the bytes of a ciphertext: ASCII. */
export function readCiphertext(bytes: Uint8Array): Ciphertext | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return parseCiphertext(text);
}

/** Formats the ciphertext of a version. */
export function formatCiphertext(version: number, payload: Uint8Array): string {
  return `vault:v${version}:${Buffer.from(payload).toString('base64')}`;
}

/** Returns true if an AEAD made this of a plaintext of that length. RSA's are always longer than these. */
export function isOfAead({ payload }: Ciphertext, plaintextLength: number): boolean {
  return AEAD_OVERHEADS.includes(payload.length - plaintextLength);
}

/** Returns true for the length of an RSA ciphertext. */
export function isOfRsaLength(payload: Uint8Array): boolean {
  return RSA_LENGTHS.includes(payload.length);
}
