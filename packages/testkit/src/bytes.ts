// Bytes without Node's Buffer, so that the suite runs in a browser too.

import type { OwnedBytes } from '@keywrap/core';

/** Concatenates the parts. */
export function joinBytes(...parts: readonly Uint8Array[]): OwnedBytes {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Formats bytes in lower-case hexadecimal. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Converts each byte to the character with its code (ISO 8859-1). */
export function latin1Of(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Converts each character below U+0100 to the byte with its code. */
export function bytesOfLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Formats bytes in base64 (RFC 4648 section 4). */
export function base64Of(bytes: Uint8Array): string {
  return btoa(latin1Of(bytes));
}

/** Formats bytes in base64url without padding (RFC 4648 section 5). */
export function base64UrlOf(bytes: Uint8Array): string {
  return base64Of(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Parses base64url. */
export function bytesOfBase64Url(text: string): Uint8Array {
  return bytesOfLatin1(atob(text.replaceAll('-', '+').replaceAll('_', '/')));
}

/** Returns true if the bytes contain others in one piece. */
export function includesBytes(bytes: Uint8Array, others: Uint8Array): boolean {
  return latin1Of(bytes).includes(latin1Of(others));
}
