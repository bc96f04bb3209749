const byteLengthOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'byteLength',
)?.get as (this: Uint8Array) => number;

/** Throws for a SharedArrayBuffer. */
const bufferLengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')
  ?.get as (this: unknown) => number;

const tagOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined;

/**
 * Tells a real `Uint8Array` (`Buffer` included, whatever realm made it) from everything else, a proxy
 * or an object with a forged prototype too.
 */
export function isUint8Array(value: unknown): value is Uint8Array {
  return tagOf.call(value) === 'Uint8Array';
}

/** The length in bytes, from the array itself and not from a property that could be overridden. */
export function byteLength(bytes: Uint8Array): number {
  return byteLengthOf.call(bytes);
}

/**
 * Memory for a secret, all zeros. V8 keeps small arrays in its heap, where the garbage collector moves
 * them and leaves behind what they held; an `ArrayBuffer` that is made first stays where it is.
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
export function newSecret(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(length));
}

/**
 * A copy that owns its memory: nothing else shares its buffer, so nothing else can read or change it,
 * and wiping it wipes the only copy; see {@link newSecret}.
 */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = newSecret(byteLength(bytes));
  copy.set(bytes);
  return copy;
}

/** Whether another thread could change the bytes at any time. */
export function isSharedMemory(bytes: Uint8Array): boolean {
  try {
    bufferLengthOf.call(bytes.buffer);
    return false;
  } catch {
    return true;
  }
}

/** The same bytes as a plain `Uint8Array` in memory of their own, copied only where they share it. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  const isPart = bytes.byteOffset !== 0 || bytes.buffer.byteLength !== bytes.byteLength;
  if (isPart || isSharedMemory(bytes)) return copyBytes(bytes);
  return Object.getPrototypeOf(bytes) === Uint8Array.prototype
    ? bytes
    : new Uint8Array(bytes.buffer);
}

/** As {@link ownBytes}, but what the bytes shared, such as Buffer's pool, is wiped where they were. */
export function ownSecret(bytes: Uint8Array): Uint8Array {
  const own = ownBytes(bytes);
  if (own.buffer !== bytes.buffer) wipe(bytes);
  return own;
}

/**
 * Overwrites secret bytes with zeros. Copies that the runtime made on its own are out of reach, and
 * so are bytes whose memory went to another thread.
 */
export function wipe(bytes: Uint8Array): void {
  // `fill` throws where the buffer was transferred; there is nothing left to overwrite.
  if (byteLength(bytes) > 0) bytes.fill(0);
}
