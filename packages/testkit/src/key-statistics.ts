import { latin1Of } from './bytes.js';
import { check } from './expect.js';
import { expectAllDifferent, expectNoCommonPart, increment } from './statistics.js';

// What can be seen of data keys, and whether they are random bytes.

/** Standard deviations that chance does not reach in 2^50 runs: of a bit, and of how often a byte occurs. */
const [BIT_DEVIATIONS, BYTE_DEVIATIONS] = [9, 10];

/** Fails the case unless these data keys, all of one length, look like independent random bytes. */
export function expectRandomBytes(keys: readonly Uint8Array[]): void {
  expectAllDifferent(keys, 'data keys');
  expectFairBits(keys, 'data keys');
  expectFairBits(
    keys.slice(1).map((key, i) => xor(key, keys[i] as Uint8Array)),
    'differences of data keys',
  );
  expectFairBytes(keys);
  for (const lag of [1, 2, 4, 8, 16]) expectIndependent(keys, lag);
  expectNoCommonPart(keys, 'data keys');
}

/**
 * Fails the case unless these bytes, each the first that an instance made, have nothing in common. Of 256 random bits 6
 * are the same in 16 instances once in 2^50 runs, and two have 7 bytes in common once in 2^44.
 */
export function expectUnrelated(firsts: readonly Uint8Array[], what: string): void {
  expectAllDifferent(firsts, what);
  const [first = new Uint8Array()] = firsts;
  const same = Array.from({ length: first.length * 8 }, (_, bit) => bit).filter((bit) =>
    firsts.every(
      (each) => (((each[bit >> 3] ?? 0) ^ (first[bit >> 3] ?? 0)) & (1 << (bit & 7))) === 0,
    ),
  );
  check(same.length < 6, `${what} without common bits`, `${same.length} bits the same in all`);
  for (let start = 0; start + 7 <= first.length; start++) {
    const parts = new Set(firsts.map((each) => latin1Of(each.subarray(start, start + 7))));
    check(
      parts.size === firsts.length,
      `${what} without bytes in common`,
      `bytes ${start} to ${start + 7} twice`,
    );
  }
}

/**
 * Fails the case unless every byte of these keys, eight or more of one length, is random: not constant, and not the same
 * as one before it, as where a generator was asked for too few bytes.
 */
export function expectRandomToTheLastByte(keys: readonly Uint8Array[]): void {
  const [first = new Uint8Array()] = keys;
  for (const [i, byte] of first.entries()) {
    const where = `byte ${i + 1} of ${first.length}`;
    check(
      keys.some((each) => each[i] !== byte),
      `a random ${where}`,
      `the same one in ${keys.length} keys`,
    );
    for (const lag of [1, 2, 4, 8, 16, 32]) {
      check(
        i < lag || keys.some((each) => each[i] !== each[i - lag]),
        `a random ${where}`,
        `the ${lag}th before it again, in ${keys.length} keys`,
      );
    }
  }
}

function expectFairBits(all: readonly Uint8Array[], what: string): void {
  const [first = new Uint8Array()] = all;
  const bound = (BIT_DEVIATIONS * Math.sqrt(all.length)) / 2;
  for (let bit = 0; bit < first.length * 8; bit++) {
    let ones = 0;
    for (const each of all) ones += ((each[bit >> 3] as number) >> (bit & 7)) & 1;
    check(
      Math.abs(ones - all.length / 2) <= bound,
      `${what} in which every bit is random`,
      `bit ${bit} set in ${ones} of ${all.length}`,
    );
  }
}

function expectFairBytes(keys: readonly Uint8Array[]): void {
  const counts = new Uint32Array(256);
  for (const key of keys) for (const byte of key) increment(counts, byte);
  const expected = keys.reduce((sum, { length }) => sum + length, 0) / 256;
  // Of values that occur 6 times and more on average, 17 are missing once in 2^60 runs.
  const different = counts.filter((count) => count > 0).length;
  check(expected < 6 || different >= 240, 'bytes of all values', `of ${different} values`);
  for (const [value, count] of counts.entries()) {
    check(
      Math.abs(count - expected) <= BYTE_DEVIATIONS * Math.sqrt(expected),
      `every value of a byte about ${Math.round(expected)} times`,
      `${value} ${count} times`,
    );
  }
}

function expectIndependent(keys: readonly Uint8Array[], lag: number): void {
  let [equal, pairs] = [0, 0];
  for (const key of keys) {
    for (let i = lag; i < key.length; i++, pairs++) if (key[i] === key[i - lag]) equal++;
  }
  const expected = pairs / 256;
  check(
    Math.abs(equal - expected) <= BYTE_DEVIATIONS * Math.sqrt(expected + 1),
    `bytes that equal the ${lag}th before them about ${Math.round(expected)} times`,
    `${equal} times`,
  );
}

/**
 * Returns the rank over GF(2) of the bits of these keys, each a row. Random rows are independent; those of a shift
 * register, such as the `Math.random` of V8, have no higher rank than it has bits of state.
 */
export function rankOf(keys: readonly Uint8Array[]): number {
  const rows = keys.map((key) => key.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n));
  const basis = new Map<number, bigint>();
  for (let row of rows) {
    while (row !== 0n) {
      const lead = row.toString(2).length;
      const known = basis.get(lead);
      if (known === undefined) {
        basis.set(lead, row);
        break;
      }
      row ^= known;
    }
  }
  return basis.size;
}

function xor(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((byte, i) => byte ^ (other[i] ?? 0));
}
