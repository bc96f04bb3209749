import fc from 'fast-check';

/** Longest input, in bytes. Enough for every format here; the parsers' own limits have tests of their own. */
export const MAXIMUM_INPUT = 64 * 1024;

/** Changes an input; `pool` are the inputs to take parts from. */
export type Mutation = (bytes: Uint8Array, pool: readonly Uint8Array[]) => Uint8Array;

// A place is any number, and counted from the beginning again where the input is shorter.
const place = fc.oneof(fc.nat(0xff), fc.nat(0xffff));
const length = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 4096 }));
const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(0xff));
/** Values at which counters and lengths overflow. */
const edge = fc.constantFrom(
  0,
  1,
  0x7f,
  0xff,
  0x100,
  0x7fff,
  0xffff,
  0x10000,
  0x7fffffff,
  2 ** 32 - 1,
);

const flipped = fc.tuple(place, fc.nat(7)).map(
  ([at, bit]): Mutation =>
    (bytes) => {
      if (bytes.length === 0) return bytes;
      const index = at % bytes.length;
      return replaced(bytes, index, 1, Uint8Array.of((bytes[index] as number) ^ (1 << bit)));
    },
);
const removed = fc.tuple(place, length).map(
  ([at, count]): Mutation =>
    (bytes) =>
      replaced(bytes, at, count, new Uint8Array()),
);
const inserted = fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 16 })).map(
  ([at, part]): Mutation =>
    (bytes) =>
      replaced(bytes, at, 0, part),
);
const overwritten = fc.tuple(place, fc.array(byte, { minLength: 1, maxLength: 4 })).map(
  ([at, part]): Mutation =>
    (bytes) =>
      replaced(bytes, at, part.length, Uint8Array.from(part)),
);
const repeated = fc.tuple(place, length, fc.integer({ min: 1, max: 64 })).map(
  ([at, count, times]): Mutation =>
    (bytes) => {
      const start = at % (bytes.length + 1);
      const part = bytes.subarray(start, start + count);
      return replaced(bytes, start, 0, joined(Array.from({ length: times }, () => part)));
    },
);
const numbered = fc.tuple(place, edge, fc.constantFrom(2, 4), fc.boolean()).map(
  ([at, value, width, littleEndian]): Mutation =>
    (bytes) => {
      const part = new DataView(new ArrayBuffer(width));
      if (width === 2) part.setUint16(0, value, littleEndian);
      else part.setUint32(0, value, littleEndian);
      return replaced(bytes, at, width, new Uint8Array(part.buffer));
    },
);
const spliced = fc.tuple(fc.nat(), place, place).map(
  ([other, at, from]): Mutation =>
    (bytes, pool) => {
      const tail = pool[other % pool.length] as Uint8Array;
      const head = bytes.subarray(0, at % (bytes.length + 1));
      return joined([head, tail.subarray(from % (tail.length + 1))]);
    },
);

/**
 * Inputs that are nearly valid: one of the pool with a few changes. Few shrink to fewer, so what is left of
 * a finding is as near to a valid input as it can be.
 *
 * @param pool Valid inputs, at least one; what is added to it later is used too.
 * @param words What is put into an input whole.
 * @param own Changes that know the format; then they are as frequent as all others.
 */
export function inputs(
  pool: readonly Uint8Array[],
  words: readonly string[],
  own?: fc.Arbitrary<Mutation>,
): fc.Arbitrary<Uint8Array> {
  const encoded = words.map((word) => new Uint8Array(Buffer.from(word)));
  const worded = fc.tuple(place, fc.constantFrom(...encoded, Uint8Array.of(0)), fc.nat(16)).map(
    ([at, word, count]): Mutation =>
      (bytes) =>
        replaced(bytes, at, count, word),
  );
  const mutation = fc.oneof(
    { weight: 2, arbitrary: flipped },
    { weight: 2, arbitrary: overwritten },
    { weight: 2, arbitrary: inserted },
    { weight: 2, arbitrary: removed },
    { weight: 3, arbitrary: worded },
    repeated,
    numbered,
    spliced,
  );
  const any = own === undefined ? mutation : fc.oneof(mutation, own);
  const changes = (maxLength: number) => fc.array(any, { minLength: 1, maxLength, size: 'max' });
  const mutated = fc
    .tuple(fc.nat(), fc.oneof(changes(2), changes(6)))
    .map(([index, mutations]) =>
      mutations.reduce(
        (bytes, mutate) => mutate(bytes, pool).subarray(0, MAXIMUM_INPUT),
        pool[index % pool.length] as Uint8Array,
      ),
    );
  return fc.oneof(
    { weight: 31, arbitrary: mutated },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 256, size: 'max' }) },
  );
}

/** A copy with `part` in the place of `count` bytes. */
export function replaced(
  bytes: Uint8Array,
  at: number,
  count: number,
  part: Uint8Array,
): Uint8Array {
  const start = at % (bytes.length + 1);
  return joined([bytes.subarray(0, start), part, bytes.subarray(start + count)]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
