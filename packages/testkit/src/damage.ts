/** The bytes with some bits of one of them flipped; by default one bit of the last byte. */
export function flip(bytes: Uint8Array, index = bytes.length - 1, mask = 1): Uint8Array {
  return bytes.map((byte, i) => (i === index ? byte ^ mask : byte));
}
