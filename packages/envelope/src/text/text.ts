import {
  type CallOptions,
  InvalidInputError,
  type KeyWrapProvider,
  readSafely,
  wipe,
} from '@keywrap/core';
import { open } from '../open.js';
import type { OpenOptions } from '../open-options.js';
import { seal } from '../seal.js';
import type { SealOptions } from '../seal-options.js';
import { encodeBase64Url } from './base64.js';
import { writeExactJson } from './exact-json.js';
import { decodeExactUtf8, encodeUtf8 } from './utf8.js';

/**
 * Encrypts a text into a message in base64url, for a column of a database or a field of a document. {@link
 * openText} decrypts it.
 *
 * @param text Well-formed Unicode; encrypted as UTF-8.
 * @throws as `seal` does.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { openText, sealText } from '@keywrap/envelope';
 *
 * const context = (id: string) => ({ table: 'customers', column: 'iban', id });
 *
 * const sealIban = (keys: KeyWrapProvider, id: string, iban: string) =>
 *   sealText(keys, { keyId: 'alias/customers', encryptionContext: context(id) }, iban);
 *
 * const openIban = (keys: KeyWrapProvider, id: string, stored: string) =>
 *   openText(keys, stored, { trustedKeys: ['alias/customers'], encryptionContext: context(id) });
 * ```
 */
export async function sealText(
  provider: KeyWrapProvider,
  options: SealOptions,
  text: string,
  callOptions?: CallOptions,
): Promise<string> {
  // An unpaired surrogate would be replaced, and the text changed.
  if (typeof text !== 'string' || !text.isWellFormed()) {
    throw new InvalidInputError('text', 'must be a string of well-formed Unicode');
  }
  const plaintext = encodeUtf8(text);
  try {
    return encodeBase64Url(await seal(provider, options, plaintext, callOptions));
  } finally {
    wipe(plaintext);
  }
}

/**
 * Decrypts a text that {@link sealText} encrypted.
 *
 * @throws as `open` does; `InvalidInputError` if what was encrypted is not UTF-8.
 */
export async function openText(
  provider: KeyWrapProvider,
  message: Uint8Array | string,
  options: OpenOptions,
  callOptions?: CallOptions,
): Promise<string> {
  const opened = await open(provider, message, options, callOptions);
  try {
    return decodeExactUtf8(opened.plaintext);
  } catch {
    // Without the cause, which may quote the text.
    throw new InvalidInputError('message', 'does not hold a text: what was sealed is not UTF-8');
  } finally {
    wipe(opened.plaintext);
  }
}

/**
 * Encrypts a JSON value into a message in base64url. {@link openJson} decrypts it.
 *
 * @param value What JSON carries exactly: null, a boolean, a finite number, a text, and arrays and plain objects of them.
 * @throws as `seal` does; `InvalidInputError` for anything else, such as a Date, undefined or NaN in it: the message names its
 * path.
 */
export async function sealJson(
  provider: KeyWrapProvider,
  options: SealOptions,
  value: unknown,
  callOptions?: CallOptions,
): Promise<string> {
  const text = readSafely('sealJson', 'value', () => writeExactJson(value, 'value'));
  return sealText(provider, options, text, callOptions);
}

/**
 * Decrypts a value that {@link sealJson} encrypted.
 *
 * @returns The value. Its type is what the sealing side chose: check it.
 * @throws as `open` does; `InvalidInputError` if what was encrypted is not JSON.
 */
export async function openJson(
  provider: KeyWrapProvider,
  message: Uint8Array | string,
  options: OpenOptions,
  callOptions?: CallOptions,
): Promise<unknown> {
  const text = await openText(provider, message, options, callOptions);
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause, which quotes the text.
    throw new InvalidInputError('message', 'does not hold JSON');
  }
}
