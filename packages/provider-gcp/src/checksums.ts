import { wipe } from '@keywrap/core';
import { crc32c } from './crc32c.js';
import { damagedOnTheWay } from './errors.js';

// Cloud KMS and its callers check what they get by CRC32C
// (https://cloud.google.com/kms/docs/data-integrity-guidelines).

type Bytes = Uint8Array | string | null | undefined;
type Crc = { readonly value?: unknown } | null | undefined;

/** The CRC32C of bytes, as a request has it. */
export function crcOf(bytes: Uint8Array): { value: number } {
  return { value: crc32c(bytes) };
}

/**
 * Returns a copy of bytes of a response.
 *
 * @throws {@link ProviderUnavailableError} when their CRC32C is another, or missing.
 */
export function checkCrc(bytes: Bytes, crc: Crc): Uint8Array {
  // A message has no empty fields.
  const copy = bytes instanceof Uint8Array ? Uint8Array.from(bytes) : new Uint8Array();
  if (Number(crc?.value ?? Number.NaN) === crc32c(copy)) return copy;
  // It may be a plaintext.
  wipe(copy);
  throw damagedOnTheWay('response');
}

/** Takes the plaintext out of a response, where it is wiped. */
export function plaintextOf(response: {
  readonly plaintext?: Bytes;
  readonly plaintextCrc32c?: Crc;
}): Uint8Array {
  try {
    return checkCrc(response.plaintext, response.plaintextCrc32c);
  } finally {
    if (response.plaintext instanceof Uint8Array) response.plaintext.fill(0);
  }
}
