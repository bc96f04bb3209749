// Made when they are first used: jsdom, the simulated browser of test runners, has neither, and this package can be
// imported there.
let encoder: InstanceType<typeof TextEncoder> | undefined;
let lenient: InstanceType<typeof TextDecoder> | undefined;
let strict: InstanceType<typeof TextDecoder> | undefined;

export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  encoder ??= new TextEncoder();
  return encoder.encode(text);
}

/** Decodes UTF-8; what is malformed becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  lenient ??= new TextDecoder();
  return lenient.decode(bytes);
}

/** @throws TypeError for malformed UTF-8. A byte order mark is kept. */
export function decodeExactUtf8(bytes: Uint8Array): string {
  strict ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return strict.decode(bytes);
}

/** @param text ASCII, as the labels of the format are. */
export function encodeAscii(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
