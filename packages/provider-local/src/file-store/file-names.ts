/** A generation as it stands in the name of a file: sorted as text, it is sorted as a number. */
export function digits(generation: number): string {
  return String(generation).padStart(12, '0');
}

/** What keeps files apart that several processes write for the same generation: 16 hexadecimal digits. */
export function random(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex');
}
