import { readFileSync } from 'node:fs';

/** Reads a JSON file of this folder; the compiled tests are in another, so the path starts at the package. */
export function loadVectors<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../../test/vectors/${file}`, import.meta.url), 'utf8'));
}

/** Bytes from hexadecimal, in memory of their own. */
export const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
