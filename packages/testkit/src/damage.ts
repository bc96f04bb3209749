import { type KeyWrapProvider, limitOf, rsaModulusLength } from '@keywrap/core';
import { base64Of, base64UrlOf, hexOf, joinBytes } from './bytes.js';
import type { KeyUse } from './key-use.js';

// Ways to damage a ciphertext. Each remembers what it changed, for the message of a failure.

const CHANGES = new WeakMap<Uint8Array, string>();

/** Remembers what was changed in these bytes. */
export function changed(bytes: Uint8Array, what: string): Uint8Array {
  CHANGES.set(bytes, what);
  return bytes;
}

/** Returns what was changed in these bytes, for example `byte 17 XOR 0x01`. */
export function changeIn(bytes: Uint8Array): string | undefined {
  return CHANGES.get(bytes);
}

/** Flips bits in one byte; by default one bit of the last byte. */
export function flip(bytes: Uint8Array, index = bytes.length - 1, mask = 1): Uint8Array {
  const flipped = bytes.map((byte, i) => (i === index ? byte ^ mask : byte));
  return changed(flipped, `byte ${index} XOR 0x${hexOf(Uint8Array.of(mask))}`);
}

/** Removes bytes, up to the end by default. */
export function remove(bytes: Uint8Array, start: number, count = bytes.length - start): Uint8Array {
  const end = start + count;
  // A view, as callers have it who cut a ciphertext.
  const rest =
    start === 0
      ? bytes.subarray(end)
      : end >= bytes.length
        ? bytes.subarray(0, start)
        : joinBytes(bytes.subarray(0, start), bytes.subarray(end));
  return changed(rest, `${count} of ${bytes.length} bytes removed from byte ${start} on`);
}

/** Inserts bytes, at the end by default. */
export function insert(bytes: Uint8Array, extra: Uint8Array, index = bytes.length): Uint8Array {
  const all = joinBytes(bytes.subarray(0, index), extra, bytes.subarray(index));
  const shown = extra.length > 4 ? `${extra.length} bytes` : hexOf(extra);
  return changed(all, `${shown} inserted before byte ${index}`);
}

/** Bytes that no key made: constant ones, and random ones. */
const constant = (size: number, byte: number) =>
  changed(new Uint8Array(size).fill(byte), `every byte ${hexOf(Uint8Array.of(byte))}`);
const random = (size: number) =>
  changed(crypto.getRandomValues(new Uint8Array(size)), 'random bytes');

/** A ciphertext whose last bytes, its tag or a part of it, are all zeros or ones. */
function blank(ciphertext: Uint8Array): Uint8Array[] {
  const counts = [4, 8, 12, 16, 32].filter((count) => count < ciphertext.length);
  return counts.flatMap((count) =>
    [0, 0xff].map((value) =>
      changed(ciphertext.slice().fill(value, -count), `the last ${count} bytes all ${value}`),
    ),
  );
}

/** A ciphertext as text, which a program that guesses would decode. */
function encoded(ciphertext: Uint8Array): Uint8Array[] {
  const encodings = { base64Of, base64UrlOf, hexOf };
  return Object.entries(encodings).map(([name, encode]) =>
    changed(new TextEncoder().encode(encode(ciphertext)), `its text by ${name}`),
  );
}

/** Returns this many positions in a ciphertext, at equal distances, and the last one. */
export function placesIn({ length: size }: Uint8Array, count: number): number[] {
  const step = Math.ceil(size / count);
  return Array.from({ length: size }, (_, i) => i).filter((i) => i % step === 0 || i === size - 1);
}

/** The most positions to flip in one ciphertext: a long one is tried at both ends, and at equal distances. */
const MOST_FLIPPED = 192;

/** Returns the positions to flip: all of them if that is cheap, a few under RSA. */
function positionsIn(ciphertext: Uint8Array, use: KeyUse): number[] {
  const { length } = ciphertext;
  if (use.operation !== 'decrypt') return placesIn(ciphertext, 12);
  if (length <= MOST_FLIPPED) return placesIn(ciphertext, length);
  const ends = Array.from({ length: 48 }, (_, i) => [i, length - 1 - i]).flat();
  return [...new Set([...ends, ...placesIn(ciphertext, MOST_FLIPPED - ends.length)])];
}

/**
 * Leaves out what is not damage: bytes that are too long to be a ciphertext here, and an RSA ciphertext that has lost
 * only the header before it, which opens as one from outside does.
 */
function fitting(
  damaged: readonly Uint8Array[],
  ciphertext: Uint8Array,
  use: KeyUse,
  { capabilities }: KeyWrapProvider,
): readonly Uint8Array[] {
  const limit = limitOf(capabilities, 'ciphertext');
  const isBare = ({ length }: Uint8Array) =>
    use.kind === 'RSA_2048' &&
    length === rsaModulusLength('RSA_2048') &&
    length < ciphertext.length;
  return damaged.filter((each) => each.length <= limit && !isBare(each));
}

/** Returns one sample of every kind of damage. */
export function oneOfEach(
  ciphertext: Uint8Array,
  use: KeyUse,
  provider: KeyWrapProvider,
): readonly Uint8Array[] {
  return fitting(samplesOf(ciphertext, use), ciphertext, use, provider);
}

/** Returns the damage of one kind. */
export function damagesOf(
  [, , damage]: (typeof DAMAGES)[number],
  ciphertext: Uint8Array,
  use: KeyUse,
  provider: KeyWrapProvider,
): readonly Uint8Array[] {
  return fitting(damage(ciphertext, use), ciphertext, use, provider);
}

function samplesOf(ciphertext: Uint8Array, use: KeyUse): Uint8Array[] {
  const size = ciphertext.length;
  return [
    ...positionsIn(ciphertext, use).map((index) => flip(ciphertext, index)),
    remove(ciphertext, 0, 1),
    remove(ciphertext, size - 1),
    remove(ciphertext, size >> 1),
    insert(ciphertext, new Uint8Array(1)),
    insert(ciphertext, ciphertext),
    insert(ciphertext, new Uint8Array(1), 0),
    changed(ciphertext.slice().reverse(), 'its bytes in reverse order'),
    constant(size, 0),
    constant(size, 0xff),
    constant(1, 0),
    random(size),
    random(300),
  ];
}

/** The lengths of parts in which software encrypts, alone, with a tag, and with a nonce and a tag. */
const CHUNKS = [16, 32, 64, 128, 256, 512, 1024, 2048].flatMap((size) => [
  size,
  size + 16,
  size + 28,
  size + 32,
]);

/**
 * Returns what comes of a long ciphertext when its last parts are removed, repeated or exchanged, as if each was encrypted
 * for itself.
 *
 * @param after How many bytes stand after the last part.
 */
export function rearranged(ciphertext: Uint8Array, after: number): Uint8Array[] {
  const { length } = ciphertext;
  const part = (from: number, to?: number) => ciphertext.subarray(from, to);
  return CHUNKS.filter((size) => 2 * size + after < length).flatMap((size) => {
    const end = length - after;
    const [one, two] = [end - size, end - 2 * size];
    const make = (what: string, ...parts: readonly Uint8Array[]) =>
      changed(
        joinBytes(part(0, two), ...parts, part(end)),
        `of the last parts of ${size} bytes, before the last ${after} bytes, ${what}`,
      );
    const [before, last] = [part(two, one), part(one, end)];
    return [
      make('two exchanged', last, before),
      make('the last removed', before),
      make('the last but one removed', last),
      make('both removed'),
      make('the last repeated', before, last, last),
      make('the last but one repeated', before, before, last),
      make('the last replaced by the one before', before, before),
    ];
  });
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
      // 1 to 16 bytes less: an authentication tag may be 4, 8, 12 to 16 bytes in GCM.
      const shorter = [1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 16].filter((missing) => missing < size);
      const ends = use.operation === 'decrypt' ? shorter : [1, 4, 16];
      return [
        ...ends.map((missing) => remove(ciphertext, size - missing)),
        remove(ciphertext, 0, 1),
        remove(ciphertext, 0, 16),
        remove(ciphertext, 1),
        remove(ciphertext, size >> 1),
        remove(ciphertext, size >> 1, 1),
      ];
    },
  ],
  [
    'E',
    'extra bytes: at the end, at the beginning, inside',
    (ciphertext) => [
      insert(ciphertext, new Uint8Array(1)),
      insert(ciphertext, new Uint8Array(16)),
      insert(ciphertext, new Uint8Array([10])),
      insert(ciphertext, new Uint8Array(1), 0),
      insert(ciphertext, new Uint8Array(1), ciphertext.length >> 1),
    ],
  ],
  [
    'R',
    'bytes that no key made, its own with an empty tag, and in another encoding',
    (ciphertext) => [
      constant(ciphertext.length, 0),
      constant(ciphertext.length, 0xff),
      random(ciphertext.length),
      constant(1, 0),
      random(16),
      ...blank(ciphertext),
      ...encoded(ciphertext),
    ],
  ],
];
