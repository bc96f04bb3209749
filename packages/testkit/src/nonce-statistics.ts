import { latin1Of } from './bytes.js';
import { check, sameBytes } from './expect.js';
import { expectAllDifferent, expectNoCommonPart, increment } from './statistics.js';

// What can be seen of nonces from outside.

/** A plaintext and one of its ciphertexts. */
export interface Sample {
  readonly plaintext: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/**
 * Fails the case when two ciphertexts used one nonce with one key. Under the same nonce, equal plaintexts have equal
 * ciphertexts from the nonce on, whatever comes before it; and different plaintexts differ as their ciphertexts do,
 * in every mode that adds a key stream (GCM, CTR, ChaCha20).
 */
export function expectUniqueNonces(samples: readonly Sample[]): void {
  expectAllDifferent(
    samples.map(({ ciphertext }) => ciphertext),
    'ciphertexts',
  );
  for (const group of equalPlaintexts(samples)) {
    expectNothingShared(group);
    expectNothingMoved(group);
  }
  expectUniqueKeyStreams(samples);
}

/** Returns the ciphertexts of the same plaintext with the same length. */
function equalPlaintexts(samples: readonly Sample[]): Uint8Array[][] {
  const groups = new Map<string, Uint8Array[]>();
  for (const { plaintext, ciphertext } of samples) {
    const name = `${ciphertext.length} ${latin1Of(plaintext)}`;
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push(ciphertext);
  }
  return [...groups.values()].filter(({ length }) => length > 1);
}

/** Chosen so that 20,000 ciphertexts of 6,144 bytes share a part by chance less than once in 2^50. */
const SHARED_BITS = 96;

function expectNothingShared(ciphertexts: readonly Uint8Array[]): void {
  const bits = minimumEntropies(ciphertexts);
  for (let start = 0, end = 0, sum = 0; start < bits.length; sum -= bits[start++] as number) {
    while (end < bits.length && sum < SHARED_BITS) sum += bits[end++] as number;
    if (sum < SHARED_BITS) return;
    // A shared part continues to the end, so not every start has to be tried.
    if (start % 4 !== 0) continue;
    const parts = new Set(ciphertexts.map((each) => latin1Of(each.subarray(start, end))));
    check(
      parts.size === ciphertexts.length,
      `ciphertexts of one plaintext that share nothing but their header (a nonce is used once)`,
      `${ciphertexts.length - parts.size} of ${ciphertexts.length} that repeat bytes ${start} to ${end} of another`,
    );
  }
}

/** Enough samples for {@link expectNothingMoved}, and as many as it looks at, and the ends of each. */
const [ENOUGH, MOST, END] = [64, 300, 96];

/**
 * Fails the case when random bytes of a ciphertext are somewhere in another, or again in it: an initialisation vector
 * that is the end of the last ciphertext, or a tag that is the nonce.
 */
function expectNothingMoved(ciphertexts: readonly Uint8Array[]): void {
  if (ciphertexts.length < ENOUGH) return;
  const some = ciphertexts.slice(0, MOST);
  const [first = new Uint8Array()] = some;
  const isRandom = Array.from(first, (_, i) => new Set(some.map((each) => each[i])).size > 24);
  const runs: [number, number][] = [];
  for (let start = 0; start < first.length; start++) {
    if (!isRandom[start]) continue;
    const end = isRandom.indexOf(false, start);
    runs.push([start, end < 0 ? first.length : end]);
    start = end < 0 ? first.length : end;
  }
  const seen = new Set<string>();
  for (const [start, end] of runs) {
    const middle = Math.max(start, end - END);
    for (const [from, to] of [
      [start, Math.min(start + END, middle)],
      [middle, end],
    ]) {
      const parts = some.map((each) => each.subarray(from, to));
      expectNoCommonPart(parts, 'ciphertexts', 12, seen);
    }
  }
}

/**
 * Returns the positions that are the same in all ciphertexts of one group and the same in all of the other, but not in
 * both: they depend on nothing but what the groups differ in. Of eight random bytes that is true once in 2^100.
 */
export function positionsThatTell(
  one: readonly Uint8Array[],
  other: readonly Uint8Array[],
): readonly number[] {
  const [first = new Uint8Array()] = one;
  const [second = new Uint8Array()] = other;
  return Array.from(first, (_, i) => i).filter(
    (i) =>
      first[i] !== second[i] &&
      one.every((each) => each[i] === first[i]) &&
      other.every((each) => each[i] === second[i]),
  );
}

/** Returns, for each position, the bits that its most frequent value leaves uncertain. */
function minimumEntropies(all: readonly Uint8Array[]): number[] {
  const [first = new Uint8Array()] = all;
  return Array.from(first, (_, position) => {
    const counts = new Uint32Array(256);
    for (const each of all) increment(counts, each[position] as number);
    return Math.log2(all.length / Math.max(...counts));
  });
}

/** The bytes of a plaintext that are compared; those of a private key begin after what all keys have in common. */
const STREAM = 16;

function expectUniqueKeyStreams(samples: readonly Sample[]): void {
  const known = samples.filter(({ plaintext }) => plaintext.length >= STREAM);
  const positions = Math.max(
    0,
    ...known.map(({ plaintext, ciphertext }) => ciphertext.length - plaintext.length + 1),
  );
  for (let position = 0; position < positions; position++) {
    const seen = new Map<string, Uint8Array>();
    for (const { plaintext, ciphertext } of known) {
      for (const from of blocksIn(plaintext)) {
        const part = plaintext.subarray(from, from + STREAM);
        const stream = latin1Of(
          part.map((byte, i) => byte ^ (ciphertext[position + from + i] ?? 0)),
        );
        const earlier = seen.get(stream);
        check(
          earlier === undefined || sameBytes(earlier, part),
          'ciphertexts with different key streams (a nonce is used once)',
          `two that differ as their plaintexts do, from byte ${position} on`,
        );
        seen.set(stream, part);
      }
    }
  }
}

/** Where blocks begin: of a private key in the middle, of a longer plaintext everywhere. */
function blocksIn({ length }: Uint8Array): readonly number[] {
  if (length <= 64) return [0];
  if (length < 1024) return [length >> 2];
  return Array.from({ length: Math.floor(length / STREAM) }, (_, i) => i * STREAM);
}

/**
 * Fails the case when ciphertexts of one byte, made one after the other, have fewer than 7 random bytes in their
 * nonce. A nonce that counts is not random; it shows as a position that changes by the same amount each time.
 */
export function expectEnoughRandomBits(ciphertexts: readonly Uint8Array[]): void {
  const [first = new Uint8Array()] = ciphertexts;
  const columns = Array.from(first, (_, position) =>
    ciphertexts.map((each) => each[position] ?? 0),
  );
  if (columns.some(isOrderly)) return;
  const bits = columns.reduce((sum, column) => {
    const { size } = new Set(column);
    // Of 128 random bytes 101 differ; of 128 base64 digits, at most 64.
    return sum + (size > 80 ? 8 : Math.log2(size));
  }, 0);
  // The encrypted byte, a tag of 16 bytes and 7 of the nonce; the last 4 bits are for positions counted too low.
  const wanted = 8 * (1 + 16 + 7) - 4;
  check(
    bits >= wanted,
    `ciphertexts of one byte with ${wanted} random bits`,
    `${Math.round(bits)} bits`,
  );
}

/**
 * Fails the case when the initialisation vectors of a cipher that works in blocks are counted: who can predict one tests
 * guesses of earlier plaintexts with it (BEAST, 2011; NIST SP 800-38A appendix C). The ciphertexts are of one byte: a
 * vector, a block and a tag have 48 random bytes or more.
 */
export function expectUnpredictable(ciphertexts: readonly Uint8Array[]): void {
  const [first = new Uint8Array()] = ciphertexts;
  const columns = Array.from(first, (_, i) => ciphertexts.map((each) => each[i] ?? 0));
  const counting = columns.filter(isOrderly);
  const random = columns.filter((column) => new Set(column).size > 80 && !isOrderly(column));
  check(
    random.length > 48 || counting.length === 0,
    'a random initialisation vector in blocks',
    'one that counts',
  );
}

/** A column that varies, but mostly by the same difference: a counter, or a time. */
function isOrderly(column: readonly number[]): boolean {
  const differences = new Uint32Array(256);
  for (const [i, value] of column.entries()) {
    if (i > 0) increment(differences, (value - (column[i - 1] as number)) & 255);
  }
  return new Set(column).size > 1 && Math.max(...differences) * 2 > column.length;
}
