import {
  type CallOptions,
  copyBytes,
  InvalidInputError,
  isUint8Array,
  type KeyWrapProvider,
  parseCall,
  readSafely,
  wipe,
} from '@keywrap/core';
import { concat } from './format/bytes.js';
import type { MessageSealer } from './format/message-sealer.js';
import { readSealOptions, type Sealing, type SealOptions } from './seal-options.js';
import { startMessage } from './start-message.js';

/**
 * Encrypts data into a message of the AWS Encryption SDK, which {@link open} and that SDK in any language decrypt.
 *
 * The message is framed, commits to its data key (algorithm suite 0x0478; signed: 0x0578), and carries the data
 * key, wrapped by the provider, and the encryption context.
 *
 * @param plaintext Any length. It may be wiped as soon as the call has returned its promise.
 * @returns The message: longer than the plaintext by the header (some 300 bytes for one key of AWS KMS) and 32 bytes for
 * each frame.
 * @throws what the provider's `generateDataKey` and, for other keys, `encrypt` reject with; `InvalidInputError`.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { open, seal } from '@keywrap/envelope';
 *
 * async function roundTrip(keys: KeyWrapProvider, invoice: Uint8Array) {
 *   const encryptionContext = { invoice: '2026-000123' };
 *   const message = await seal(keys, { keyId: 'alias/invoices', encryptionContext }, invoice);
 *   using opened = await open(keys, message, { trustedKeys: ['alias/invoices'], encryptionContext });
 *   return opened.plaintext.length;
 * }
 * ```
 */
export async function seal(
  provider: KeyWrapProvider,
  options: SealOptions,
  plaintext: Uint8Array,
  callOptions?: CallOptions,
): Promise<Uint8Array> {
  const { sealing, call, copy } = readSafely('seal', 'options', () => ({
    sealing: readSealOptions(provider, options),
    call: parseCall(callOptions),
    copy: copyPlaintext(plaintext),
  }));
  return sealAndWipe(sealing, copy, call);
}

/** Seals a plaintext that the caller gives away: it is wiped. */
export async function sealAndWipe(
  sealing: Sealing,
  plaintext: Uint8Array,
  call: CallOptions,
): Promise<Uint8Array> {
  const { signal, grantTokens } = call;
  try {
    const options = { signal, grantTokens, bytesToEncrypt: plaintext.length };
    return await sealAll(await startMessage(sealing, options), plaintext);
  } finally {
    wipe(plaintext);
  }
}

/** Seals all of a message in one step. */
export async function sealAll(sealer: MessageSealer, plaintext: Uint8Array): Promise<Uint8Array> {
  try {
    return concat(await sealer.final(plaintext));
  } finally {
    sealer.wipe();
  }
}

/** @throws InvalidInputError */
export function copyPlaintext(plaintext: unknown): Uint8Array {
  if (isUint8Array(plaintext)) return copyBytes(plaintext);
  throw new InvalidInputError('plaintext', 'must be a Uint8Array; use sealText for a string');
}
