import {
  copyBytes,
  type EncryptionContext,
  InvalidInputError,
  isUint8Array,
  readSafely,
} from '@keywrap/core';
import { damagedMessage, errorOf } from './errors.js';
import type { AlgorithmSuiteName } from './format/algorithm-suite.js';
import { HeaderParser } from './format/parse-header.js';
import { decodeBase64Url } from './text/base64.js';
import { decodeUtf8 } from './text/utf8.js';

/** A key that a message claims to be sealed under. */
export interface MessageKeyName {
  /** The id of the provider, `aws-kms` for example; for a raw key, its namespace. */
  readonly providerId: string;
  /** The ARN of the key; for a raw key, its name. Bytes that are no UTF-8 show as U+FFFD. */
  readonly key: string;
}

/** What the header of a message claims. **Anyone can have written it**: nothing in it is authenticated. */
export interface UnverifiedHeader {
  readonly version: 1 | 2;
  readonly algorithmSuite: AlgorithmSuiteName;
  readonly messageId: Uint8Array;
  /** All pairs, also those of the SDK. */
  readonly encryptionContext: EncryptionContext;
  /** The keys that open the message. */
  readonly keys: readonly MessageKeyName[];
  /** In bytes; 0 for a message that is not framed. */
  readonly frameLength: number;
  /** In bytes. */
  readonly headerLength: number;
}

/**
 * Reads the header of a message without opening it, **and without authenticating it**: to see under which keys it
 * is sealed. Never decide by it what a message may do; `open` returns authenticated pairs.
 *
 * @param message The message, or its start; or its base64url without padding.
 * @throws `InvalidInputError`, `UnsupportedOperationError`, `InvalidCiphertextError`, as `open` does.
 *
 * @example
 * ```ts
 * import { parseMessageHeader } from '@keywrap/envelope';
 *
 * const keysOf = (message: Uint8Array) => parseMessageHeader(message).keys.map(({ key }) => key);
 * ```
 */
export function parseMessageHeader(message: Uint8Array | string): UnverifiedHeader {
  try {
    return parse(
      readSafely('parseMessageHeader', 'message', () => copyBytes(readMessage(message))),
    );
  } catch (error) {
    throw errorOf('parseMessageHeader', error);
  }
}

function parse(bytes: Uint8Array): UnverifiedHeader {
  // The whole message is in memory, so that no number in it costs more.
  const parser = new HeaderParser({ maximumDataKeys: 2 ** 16, maximumFrameLength: 2 ** 32 });
  const header = parser.parse(bytes);
  if (header === undefined) throw damagedMessage();
  return {
    version: header.suite.version,
    algorithmSuite: header.suite.name,
    messageId: header.messageId.slice(),
    encryptionContext: { ...header.encryptionContext },
    keys: header.dataKeys.map(({ providerId, providerInfo }) => ({
      providerId,
      key: decodeUtf8(providerInfo),
    })),
    frameLength: header.frameLength,
    headerLength: header.length,
  };
}

/**
 * Reads a message, without copying it.
 *
 * @throws InvalidInputError
 */
export function readMessage(message: unknown): Uint8Array {
  const bytes = typeof message === 'string' ? decodeBase64Url(message) : message;
  if (!isUint8Array(bytes)) {
    throw new InvalidInputError(
      'message',
      'must be a Uint8Array, or a string of base64url without padding',
    );
  }
  if (bytes.length > 0) return bytes;
  throw new InvalidInputError('message', 'must not be empty; a detached buffer counts as empty');
}
