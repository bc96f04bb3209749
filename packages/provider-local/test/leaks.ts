import { format, inspect } from 'node:util';

/** Bytes in sequence: few enough to find any part of a secret, enough to rule out chance. */
const WINDOW = 8;

/** Everything that printing or serialising this value may show. */
export function shownOf(value: unknown): string {
  const parts = [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxArrayLength: null }),
    format('%s %o %O %j', value, value, value, value),
    String(value),
  ];
  for (let error = value; error instanceof Error; error = error.cause) {
    parts.push(error.message, error.stack ?? '', JSON.stringify(error));
  }
  return parts.join('\n');
}

/** Tells whether a text shows a part of a secret: as text, hex, base64, or a list of numbers. */
export function shows(text: string, secret: Uint8Array | string): boolean {
  const bytes = Buffer.from(secret as Uint8Array);
  const flat = text.replaceAll(/"\d+":|\s/g, '');
  const encodings: string[] = [];
  for (let i = 0; i + WINDOW <= bytes.length; i++) {
    const part = bytes.subarray(i, i + WINDOW);
    encodings.push(part.toString('hex'), part.join(','), part.toString('latin1'));
    // Base64 of what begins with this byte, without the characters that the next bytes change.
    encodings.push(part.toString('base64').slice(0, 10), part.toString('base64url').slice(0, 10));
  }
  return encodings.some((encoded) => flat.includes(encoded.replaceAll(/\s/g, '')));
}
