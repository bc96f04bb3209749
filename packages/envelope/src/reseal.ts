import {
  type CallOptions,
  type KeyWrapProvider,
  parseCall,
  readFields,
  readSafely,
  wipe,
} from '@keywrap/core';
import { errorOf } from './errors.js';
import { openMessage } from './open.js';
import { type OpenOptions, readOpenOptions } from './open-options.js';
import { readMessage } from './parse-message-header.js';
import { sealAndWipe } from './seal.js';
import { readSealing, readSealOptions, type SealOptions } from './seal-options.js';
import { encodeBase64Url } from './text/base64.js';

/** The keys and options of the new message. Its encryption context stays, and it is signed if the old one was. */
export type ResealOptions = Omit<SealOptions, 'encryptionContext'>;

/**
 * Moves a message to other keys: to a new key, or to more or fewer keys. The old message is verified as `open`
 * verifies it; the plaintext does not reach the caller.
 *
 * The message is encrypted again, under a new data key. The format does not allow to change its keys alone: the
 * header, with the wrapped data keys, is authenticated by AES-GCM under the message's own key and the IV 0, so
 * that a second header would use a nonce twice. For a message that does not fit in memory, pipe `openStream` into
 * `sealStream`.
 *
 * @param message The bytes, or their base64url without padding.
 * @param from What to accept of the old message.
 * @param to The keys of the new message.
 * @returns The new message: bytes for bytes, a text in base64url for a text.
 * @throws as `open` does for the old message, and as `seal` does for the new one.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { reseal } from '@keywrap/envelope';
 *
 * const moveToNewKey = (keys: KeyWrapProvider, message: Uint8Array, invoice: string) =>
 *   reseal(
 *     keys,
 *     message,
 *     { trustedKeys: ['alias/invoices-2025'], encryptionContext: { invoice } },
 *     { keyId: 'alias/invoices-2026' },
 *   );
 * ```
 */
export async function reseal<Message extends Uint8Array | string>(
  provider: KeyWrapProvider,
  message: Message,
  from: OpenOptions,
  to: ResealOptions,
  callOptions?: CallOptions,
): Promise<Message extends string ? string : Uint8Array>;
export async function reseal(
  provider: KeyWrapProvider,
  message: Uint8Array | string,
  from: OpenOptions,
  to: ResealOptions,
  callOptions?: CallOptions,
): Promise<Uint8Array | string> {
  const { bytes, opening, sealing, signed, call } = readSafely('reseal', 'options', () => {
    const fields = readFields(to, 'to', ['keyId', 'otherKeys', 'signed', 'frameLength']);
    return {
      bytes: readMessage(message),
      opening: readOpenOptions(provider, from, 'from'),
      sealing: readSealOptions(provider, fields, 'to'),
      signed: fields.signed !== undefined,
      call: parseCall(callOptions),
    };
  });
  const { encryptionContext, algorithmSuite, plaintext } = await openMessage(
    bytes,
    opening,
    call,
  ).catch((error) => {
    throw errorOf('reseal', error);
  });
  try {
    const options = {
      encryptionContext,
      signed: signed ? sealing.signed : algorithmSuite.includes('ECDSA'),
      frameLength: sealing.frameLength,
    };
    const resealed = await sealAndWipe(readSealing(sealing.keys, options), plaintext, call);
    return typeof message === 'string' ? encodeBase64Url(resealed) : resealed;
  } finally {
    wipe(plaintext);
  }
}
