import { check, sameBytes } from './expect.js';

// What can be seen of nonces and of random bytes from outside. Each bound is passed by chance less than once in
// 2^40 runs.

/** A plaintext and one of its ciphertexts. */
export interface Sample {
  readonly plaintext: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** Makes many calls, at most 64 at once, and returns their results in order. */
export async function manyOf<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) {
    const first = made.length;
    const size = Math.min(64, count - first);
    made.push(...(await Promise.all(Array.from({ length: size }, (_, i) => make(first + i)))));
  }
  return made;
}

/** Returns the bytes as text of the same length, which a `Set` can compare. */
export function asText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Fails the case unless all are different. */
export function expectAllDifferent(all: readonly Uint8Array[], what: string): void {
  const seen = new Map<string, number>();
  for (const [index, bytes] of all.entries()) {
    const earlier = seen.get(asText(bytes));
    check(
      earlier === undefined,
      `${all.length} different ${what}`,
      `number ${index + 1} the same as number ${(earlier ?? 0) + 1}`,
    );
    seen.set(asText(bytes), index);
  }
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
    const name = `${ciphertext.length} ${asText(plaintext)}`;
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
    const parts = new Set(ciphertexts.map((each) => asText(each.subarray(start, end))));
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
        const stream = asText(part.map((byte, i) => byte ^ (ciphertext[position + from + i] ?? 0)));
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
    const parts = new Set(firsts.map((each) => asText(each.subarray(start, start + 7))));
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
 * Fails the case when a part occurs twice in random bytes, anywhere. Twelve bytes do so among a million by chance once in
 * 2^57, eight among a few thousand once in 2^40.
 *
 * @param seen The parts that were there before.
 */
export function expectNoCommonPart(
  all: readonly Uint8Array[],
  what: string,
  length = 12,
  seen = new Set<string>(),
): void {
  for (const each of all) {
    const text = asText(each);
    for (let i = 0; i + length <= text.length; i++) {
      const part = text.slice(i, i + length);
      check(!seen.has(part), `${what} with no bytes in common`, `${length} bytes that occur twice`);
      seen.add(part);
    }
  }
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

function increment(counts: Uint32Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}
