import type { OwnedBytes } from '@keywrap/core';

/** Short plaintexts that a padding or a text encoding could change; any RSA key can encrypt them. */
export function plaintextsOfEveryKind(): OwnedBytes[] {
  return [
    new Uint8Array(1),
    new Uint8Array(32),
    new Uint8Array(32).fill(0xff),
    new Uint8Array([0, 1, 2, 0, 0]),
    new Uint8Array([0x20, 0x0a, 0x80, 0x0d, 0x0a]),
  ];
}
