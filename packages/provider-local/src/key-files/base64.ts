import { newSecret, type OwnedBytes, wipe } from '@keywrap/core';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * Decodes base64 (RFC 4648 §4) with any line breaks: padded, of the standard alphabet, and in the one form that an
 * encoder writes. Not by `atob`: the string that it returns holds the bytes, and can't be wiped.
 *
 * @returns The bytes, in new memory; undefined for any other text.
 */
export function decodeBase64(text: string): OwnedBytes | undefined {
  const compact = text.replace(/\s/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined;
  const digits = compact.replace(/=+$/, '');
  const bytes = newSecret(Math.floor((digits.length * 6) / 8));
  let [held, bits, at] = [0, 0, 0];
  for (const digit of digits) {
    held = (held << 6) | ALPHABET.indexOf(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = held >> bits;
    held &= (1 << bits) - 1;
  }
  if (held === 0) return bytes;
  wipe(bytes);
  return undefined;
}

/** Describes text that is not the base64 that was wanted, without quoting it: it may be a secret. */
export function describeText(text: string): string {
  const compact = text.replace(/\s/g, '');
  if (compact === '') return 'empty';
  if (text.includes('-----BEGIN ')) return 'PEM';
  if (/^([0-9a-f]{2})+$/i.test(compact)) {
    return `${compact.length} hexadecimal digits; convert them with Buffer.from(digits, 'hex').toString('base64')`;
  }
  const length = decodeBase64(text)?.length;
  if (length !== undefined) return `base64 of ${length} bytes`;
  const at = compact.search(/[^A-Za-z0-9+/=]/);
  if (at === -1) return `not base64: it is cut off, or padded wrongly`;
  return /^[\w-]+=*$/.test(compact)
    ? 'base64url, which has - and _ for + and /'
    : `not base64: character ${text.search(/[^A-Za-z0-9+/=\s]/) + 1} is not of its alphabet`;
}
