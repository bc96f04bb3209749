import type { KeyUse } from './key-use.js';

// Ways to damage a ciphertext.

/** Flips bits in one byte; by default one bit of the last byte. */
export function flip(bytes: Uint8Array, index = bytes.length - 1, mask = 1): Uint8Array {
  return bytes.map((byte, i) => (i === index ? byte ^ mask : byte));
}

/** Concatenates the parts. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Returns this many positions in a ciphertext, at equal distances, and the last one. */
export function placesIn({ length: size }: Uint8Array, count: number): number[] {
  const step = Math.ceil(size / count);
  return Array.from({ length: size }, (_, i) => i).filter((i) => i % step === 0 || i === size - 1);
}

/** Returns the positions to flip: all of them if that is cheap, a few under RSA. */
function positionsIn(ciphertext: Uint8Array, use: KeyUse): number[] {
  return placesIn(ciphertext, use.operation === 'decrypt' ? ciphertext.length : 12);
}

/** One sample of every kind of damage. */
export function oneOfEach(ciphertext: Uint8Array, use: KeyUse): Uint8Array[] {
  const size = ciphertext.length;
  const middle = size >> 1;
  return [
    ...positionsIn(ciphertext, use).map((index) => flip(ciphertext, index)),
    ciphertext.subarray(1),
    ciphertext.subarray(0, -1),
    ciphertext.subarray(0, middle),
    join(ciphertext, new Uint8Array(1)),
    join(ciphertext, ciphertext),
    join(new Uint8Array(1), ciphertext),
    ciphertext.slice().reverse(),
    new Uint8Array(size),
    new Uint8Array(size).fill(0xff),
    new Uint8Array(1),
    crypto.getRandomValues(new Uint8Array(size)),
    crypto.getRandomValues(new Uint8Array(300)),
  ];
}

/** The damage to try with every call that decrypts. */
export const DAMAGES: readonly (readonly [
  letter: string,
  title: string,
  damage: (ciphertext: Uint8Array, use: KeyUse) => readonly Uint8Array[],
])[] = [
  [
    'F',
    'a flipped bit anywhere',
    (ciphertext, use) =>
      positionsIn(ciphertext, use).flatMap((index) => [
        flip(ciphertext, index, 0x01),
        flip(ciphertext, index, 0x80),
      ]),
  ],
  [
    'M',
    'missing bytes: at the end, at the beginning, inside',
    (ciphertext, use) => {
      const size = ciphertext.length;
      const middle = size >> 1;
      // 1 to 16 bytes less: an authentication tag may be 4, 8, 12 to 16 bytes in GCM.
      const shorter = [1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 16].filter((missing) => missing < size);
      const ends = use.operation === 'decrypt' ? shorter : [1, 4, 16];
      return [
        ...ends.map((missing) => ciphertext.subarray(0, size - missing)),
        ciphertext.subarray(1),
        ciphertext.subarray(16),
        ciphertext.subarray(0, 1),
        ciphertext.subarray(0, middle),
        join(ciphertext.subarray(0, middle), ciphertext.subarray(middle + 1)),
      ];
    },
  ],
  [
    'E',
    'extra bytes: at the end, at the beginning, inside',
    (ciphertext) => {
      const middle = ciphertext.length >> 1;
      return [
        join(ciphertext, new Uint8Array(1)),
        join(ciphertext, new Uint8Array(16)),
        join(ciphertext, new Uint8Array([10])),
        join(new Uint8Array(1), ciphertext),
        join(ciphertext.subarray(0, middle), new Uint8Array(1), ciphertext.subarray(middle)),
      ];
    },
  ],
  [
    'R',
    'bytes that no key made',
    ({ length: size }) => [
      new Uint8Array(size),
      new Uint8Array(size).fill(0xff),
      crypto.getRandomValues(new Uint8Array(size)),
      new Uint8Array(1),
      crypto.getRandomValues(new Uint8Array(16)),
    ],
  ],
];
