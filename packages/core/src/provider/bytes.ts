/**
 * A `Uint8Array` over an `ArrayBuffer` of its own, as every result is: Web Crypto, `Blob`, `Response` and `fetch` take
 * it. TypeScript 5.7 and later read it as `Uint8Array<ArrayBuffer>`, earlier ones as `Uint8Array`, which is
 * not generic there.
 */
export type OwnedBytes = ReturnType<Uint8ArrayConstructor['of']>;

const byteLengthOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'byteLength',
)?.get as (this: Uint8Array) => number;

const bufferOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'buffer',
)?.get as (this: Uint8Array) => ArrayBufferLike;

/** Throws for a SharedArrayBuffer. */
const bufferLengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')
  ?.get as (this: unknown) => number;

const tagOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined;

/**
 * Returns true for a real `Uint8Array` (a `Buffer` too, of any realm), and false for everything else, including
 * proxies and objects with a forged prototype.
 */
export function isUint8Array(value: unknown): value is Uint8Array {
  return tagOf.call(value) === 'Uint8Array';
}

/** The length in bytes, from the array itself and not from a property that could be overridden. */
export function byteLength(bytes: Uint8Array): number {
  return byteLengthOf.call(bytes);
}

/**
 * Allocates zeroed memory for a secret. V8 keeps small arrays in its heap, where the garbage collector moves
 * them and leaves copies of their contents; an `ArrayBuffer` that is created first is never moved.
 *
 * @param length In bytes.
 *
 * @example
 * ```ts
 * import { newSecret, wipe } from '@keywrap/core';
 *
 * const key = crypto.getRandomValues(newSecret(32));
 * wipe(key);
 * ```
 */
export function newSecret(length: number): OwnedBytes {
  return new Uint8Array(new ArrayBuffer(length));
}

/**
 * Copies bytes into memory that nothing else shares, so that nothing else can read or change the copy, and
 * wiping it is complete; see {@link newSecret}.
 */
export function copyBytes(bytes: Uint8Array): OwnedBytes {
  const copy = newSecret(byteLength(bytes));
  copy.set(bytes);
  return copy;
}

/** Returns true if another thread could change the bytes at any time. */
export function isSharedMemory(bytes: Uint8Array): boolean {
  return bufferLength(bufferOf.call(bytes)) === undefined;
}

/** Undefined for a SharedArrayBuffer. */
function bufferLength(buffer: ArrayBufferLike): number | undefined {
  try {
    return bufferLengthOf.call(buffer);
  } catch {
    return undefined;
  }
}

/** Returns the bytes as a plain `Uint8Array` that owns its memory, copied only if they share it. */
export function ownBytes(bytes: Uint8Array): OwnedBytes {
  // Once: an engine may have to look for it.
  const { buffer } = bytes;
  if (bufferLength(buffer) !== bytes.byteLength) return copyBytes(bytes);
  return Object.getPrototypeOf(bytes) === Uint8Array.prototype
    ? (bytes as OwnedBytes)
    : new Uint8Array(buffer as ArrayBuffer);
}

/** Does the same as {@link ownBytes}, and wipes the original if it copies, for example in Buffer's pool. */
export function ownSecret(bytes: Uint8Array): OwnedBytes {
  const own = ownBytes(bytes);
  if (own !== bytes && own.buffer !== bytes.buffer) wipe(bytes);
  return own;
}

/**
 * Overwrites secret bytes with zeros. It can't reach copies that the runtime made, nor memory that was
 * transferred to another thread.
 */
export function wipe(bytes: Uint8Array): void {
  // `fill` throws if the buffer was transferred; there is nothing left to overwrite.
  if (byteLength(bytes) > 0) bytes.fill(0);
}
