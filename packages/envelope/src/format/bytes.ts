/** Joins parts into one array. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const only = parts[0];
  if (parts.length === 1 && only !== undefined) return only;
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Reads two bytes, big-endian. */
export function uint16(bytes: Uint8Array, offset = 0): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

/** Reads four bytes, big-endian. */
export function uint32(bytes: Uint8Array, offset = 0): number {
  return ((uint16(bytes, offset) << 16) | uint16(bytes, offset + 2)) >>> 0;
}

/** Writes two bytes, big-endian, and returns the offset after them. */
export function writeUint16(bytes: Uint8Array, offset: number, value: number): number {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
  return offset + 2;
}

/** Writes four bytes, big-endian, and returns the offset after them. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): number {
  return writeUint16(bytes, writeUint16(bytes, offset, value >>> 16), value & 0xffff);
}
