import type { AsymmetricAlgorithm, RsaKeySpec } from '@keywrap/core';
import { expectAlike } from '../alike.js';
import { joinBytes } from '../bytes.js';
import { type CaseContext, type CaseInput, casesOf } from '../case.js';
import { changed } from '../damage.js';
import { expectBytes, expectError, expectLength } from '../expect.js';
import { readPublicKey } from '../key-pair-check.js';
import { invoke } from '../key-use.js';
import { NODE_CRYPTO } from '../needs.js';
import { encryptOutside } from '../outside.js';
import { bytesOf, numberOf, power } from '../rsa-numbers.js';
import { manyOf } from '../statistics.js';

const padding = {
  id: 'rsa-padding',
  statement:
    'decryptAsymmetric opens RSAES-OAEP of a message of any length with an empty label and MGF1 of the same hash, and nothing else: not PKCS #1 v1.5, not another label, not a bare number; every failure has the same error, with the same causes',
  source: 'RFC 8017 section 7.1.2; Bleichenbacher (1998); Manger (2001)',
  power:
    'Always, for each algorithm under 2,048 bits in every profile and under 3,072 and 4,096 by full: each of 21 to 24 other encodings that opens or has another error, an error or a cause that is another for 1 of 4 random blocks, zeros that are lost before a plaintext or a ciphertext, a ciphertext that is not less than the modulus. Not found: a difference in time.',
};

const HASHES = {
  RSAES_OAEP_SHA_1: 'SHA-1',
  RSAES_OAEP_SHA_256: 'SHA-256',
  RSAES_OAEP_SHA_384: 'SHA-384',
  RSAES_OAEP_SHA_512: 'SHA-512',
} as const;
type Hash = (typeof HASHES)[keyof typeof HASHES];

const ALGORITHMS = Object.keys(HASHES) as (keyof typeof HASHES)[];
const SPECS = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const;

/** A public key, as numbers. */
interface PublicNumbers {
  readonly n: bigint;
  readonly e: bigint;
  /** The length of the modulus in bytes. */
  readonly k: number;
}

async function publicKeyOf({ provider }: CaseContext, keyId: string) {
  const { publicKey } = await provider.getPublicKey({ keyId });
  const { n, e } = readPublicKey(publicKey).export({ format: 'jwk' });
  const modulus = numberOf(n);
  const k = Math.ceil(modulus.toString(2).length / 8);
  return { spki: publicKey, numbers: { n: modulus, e: numberOf(e), k } };
}

const numberIn = (bytes: Uint8Array) => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

/** RSAEP of RFC 8017 section 5.1.1: the encoded message to the power of e. */
function raw({ n, e, k }: PublicNumbers, encoded: Uint8Array): Uint8Array {
  return bytesOf(power(numberIn(encoded), e, n), k);
}

async function digest(hash: Hash, bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(hash, new Uint8Array(bytes)));
}

/** MGF1 of RFC 8017 appendix B.2.1. */
async function mask(seed: Uint8Array, length: number, hash: Hash): Promise<Uint8Array> {
  const blocks: Uint8Array[] = [];
  for (let i = 0, size = 0; size < length; i++) {
    const block = await digest(hash, joinBytes(seed, Uint8Array.of(0, 0, i >> 8, i & 255)));
    blocks.push(block);
    size += block.length;
  }
  return joinBytes(...blocks).subarray(0, length);
}

/** What an encoding has instead of what RFC 8017 section 7.1.1 says. */
interface Deviation {
  readonly label?: string;
  readonly mgf?: Hash;
  /** The first byte, which has to be 0. */
  readonly first?: number;
  /** The byte between padding and message, which has to be 1. */
  readonly separator?: number;
  /** A byte of the padding, which has to be 0. */
  readonly filler?: number;
}

/** EME-OAEP encoding of RFC 8017 section 7.1.1, step 2. */
async function encode(
  { k }: PublicNumbers,
  message: Uint8Array,
  hash: Hash,
  { label = '', mgf = hash, first = 0, separator = 1, filler = 0 }: Deviation = {},
): Promise<Uint8Array> {
  const labelHash = await digest(hash, new TextEncoder().encode(label));
  const h = labelHash.length;
  const blank = new Uint8Array(k - message.length - 2 * h - 2);
  if (blank.length > 0) blank[0] = filler;
  const block = joinBytes(labelHash, blank, Uint8Array.of(separator), message);
  const seed = crypto.getRandomValues(new Uint8Array(h));
  const maskedBlock = xor(block, await mask(seed, block.length, mgf));
  const maskedSeed = xor(seed, await mask(maskedBlock, h, mgf));
  return joinBytes(Uint8Array.of(first), maskedSeed, maskedBlock);
}

/** EME-PKCS1-v1_5 encoding of RFC 8017 section 7.2.1, step 2. */
function encodeVersion15({ k }: PublicNumbers, message: Uint8Array, type = 2): Uint8Array {
  const fill = crypto
    .getRandomValues(new Uint8Array(k - message.length - 3))
    .map((each) => each || 1);
  return joinBytes(
    Uint8Array.of(0, type),
    type === 1 ? fill.fill(0xff) : fill,
    Uint8Array.of(0),
    message,
  );
}

/** How many blocks are random: what goes wrong with one in four is found always. */
const RANDOM = 32;

/** Ciphertexts of this key that are no RSAES-OAEP with this hash; nobody can see why. */
async function foreign(key: PublicNumbers, message: Uint8Array, hash: Hash): Promise<Uint8Array[]> {
  const of = (title: string, encoded: Uint8Array) => changed(raw(key, encoded), title);
  const oaep = async (title: string, deviation: Deviation) =>
    of(title, await encode(key, message, hash, deviation));
  const others = Object.values(HASHES).filter((each) => each !== hash);
  const fits = (each: Hash) =>
    2 * (Number(each.slice(4)) === 1 ? 20 : Number(each.slice(4)) / 8) + 2 + message.length <=
    key.k;
  const { k } = key;
  return Promise.all([
    of('PKCS #1 v1.5', encodeVersion15(key, message)),
    of('PKCS #1 v1.5 of a signature', encodeVersion15(key, message, 1)),
    oaep('a label', { label: 'label' }),
    oaep('a label of one zero', { label: '\0' }),
    ...others.map((mgf) => oaep(`MGF1 with ${mgf}`, { mgf })),
    ...others.filter(fits).map(async (each) => of(each, await encode(key, message, each))),
    ...[1, 2, 0x10, 0x7f].map((first) => oaep(`a first byte of ${first}`, { first })),
    oaep('a separator of 2', { separator: 2 }),
    oaep('no separator', { separator: 0 }),
    oaep('padding that is not zero', { filler: 2 }),
    of('no padding', message),
    of(
      'no padding, from the left',
      joinBytes(Uint8Array.of(0), message, new Uint8Array(k - 1 - message.length)),
    ),
    // What only one damaged ciphertext in many is.
    ...Array.from({ length: RANDOM }, (_, i) => {
      const block = crypto.getRandomValues(new Uint8Array(k));
      return of(
        'a random block',
        block.map((byte, j) => (j > 0 ? byte : i % 2 && byte & 0x7f)),
      );
    }),
  ]);
}

/** Numbers whose place anyone can see: some software rejects them before it decrypts. */
async function conspicuous(
  key: PublicNumbers,
  message: Uint8Array,
  hash: Hash,
): Promise<Uint8Array[]> {
  const { n, k } = key;
  return [
    changed(new Uint8Array(k), '0'),
    changed(bytesOf(1n, k), '1'),
    changed(bytesOf(n - 1n, k), 'n - 1'),
    changed(bytesOf(n, k), 'n'),
    changed(bytesOf(n + 1n, k), 'n + 1'),
    changed(new Uint8Array(k).fill(0xff), 'the largest number'),
    changed(await tooLarge(key, message, hash), 'c + n'),
  ];
}

/** A ciphertext c and c + n are the same modulo n: RFC 8017 section 5.1.2 takes only what is less than n. */
async function tooLarge(key: PublicNumbers, message: Uint8Array, hash: Hash): Promise<Uint8Array> {
  for (;;) {
    const number = numberIn(raw(key, await encode(key, message, hash))) + key.n;
    if (number < 1n << BigInt(8 * key.k)) return bytesOf(number, key.k);
  }
}

export const rsaPaddingCases = casesOf(padding, [
  ...ALGORITHMS.map(
    (algorithm, j): CaseInput => ({
      id: `PAD-30${j + 1}`,
      title: `RSA_2048 with ${algorithm}: opens an empty message, which another program may encrypt`,
      needs: [`algorithm:${algorithm}`, `key:RSA_2048/${algorithm}`],
      async run(context) {
        const { provider, keys } = context;
        const keyId = await keys.get(`RSA_2048/${algorithm}`);
        const { publicKey } = await provider.getPublicKey({ keyId });
        const ciphertext = await encryptOutside(publicKey, new Uint8Array(), algorithm);
        const opened = await provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
        expectLength(opened.plaintext, 0, 'the plaintext');
      },
    }),
  ),
  ...SPECS.flatMap((spec, i) =>
    ALGORITHMS.flatMap((algorithm, j): CaseInput[] => {
      const needs = [`algorithm:${algorithm}`, `key:${spec}/${algorithm}`, NODE_CRYPTO] as const;
      const name = `${spec} with ${algorithm}`;
      // Large keys are slow to make.
      const profile = spec === 'RSA_2048' ? 'quick' : 'full';
      return [
        {
          id: `PAD-1${i + 1}${j + 1}`,
          title: `${name}: rejects every other encoding with the same error (INVALID_CIPHERTEXT)`,
          needs,
          profile,
          run: (context) => expectForeignRejected(context, spec, algorithm),
        },
        {
          id: `PAD-2${i + 1}${j + 1}`,
          title: `${name}: keeps zeros at the beginning of plaintexts, and of ciphertexts, also in a larger buffer`,
          needs,
          profile,
          run: (context) => expectZerosKept(context, spec, algorithm),
        },
      ];
    }),
  ),
]);

async function expectForeignRejected(
  context: CaseContext,
  spec: RsaKeySpec,
  algorithm: AsymmetricAlgorithm,
): Promise<void> {
  const { provider, keys, secret } = context;
  const keyId = await keys.get(`${spec}/${algorithm}`);
  const hash = HASHES[algorithm];
  const { numbers } = await publicKeyOf(context, keyId);
  // As an outside party does it: what is right about the encoding shows that what is wrong is the deviation.
  const message = secret();
  const right = raw(numbers, await encode(numbers, message, hash));
  const opened = await provider.decryptAsymmetric({ keyId, ciphertext: right, algorithm });
  expectBytes(opened.plaintext, message, 'the plaintext');
  const target = { keyId, algorithm };
  const calls = [
    ['decryptAsymmetric', (ciphertext: Uint8Array) => ({ ciphertext, ...target })],
    [
      'reEncrypt',
      (ciphertext: Uint8Array) => ({ ciphertext, source: target, destination: target }),
    ],
  ] as const;
  const hidden = await foreign(numbers, message, hash);
  const seen = await conspicuous(numbers, message, hash);
  for (const [operation, inputOf] of spec === 'RSA_2048' ? calls : calls.slice(0, 1)) {
    const errorFor = (ciphertext: Uint8Array) => {
      const call = invoke(provider, { operation }, inputOf(ciphertext));
      return expectError(call, 'INVALID_CIPHERTEXT', { operation });
    };
    const [one = right, ...others] = hidden;
    const first = await errorFor(one);
    const errors = await manyOf(others.length, (i) => errorFor(others[i] as Uint8Array));
    const last = await errorFor(one);
    expectAlike([first, ...errors, last], true);
    const early = await manyOf(seen.length, (i) => errorFor(seen[i] as Uint8Array));
    expectAlike([first, ...early, last]);
  }
}

async function expectZerosKept(
  context: CaseContext,
  spec: RsaKeySpec,
  algorithm: AsymmetricAlgorithm,
): Promise<void> {
  const { provider, keys } = context;
  const keyId = await keys.get(`${spec}/${algorithm}`);
  const { spki } = await publicKeyOf(context, keyId);
  const few = [
    [0, 0, 0],
    [0, 1],
  ];
  const more = [[0], [0, 0, 7, 0], [1, 0, 0], new Array<number>(32).fill(0)];
  for (const plaintext of spec === 'RSA_2048' ? [...few, ...more] : few) {
    const message = Uint8Array.from(plaintext);
    let ciphertext: Uint8Array;
    // One in 256 ciphertexts begins with a zero; one is enough.
    do ciphertext = await encryptOutside(spki, message, algorithm);
    while (message.length === 2 && ciphertext[0] !== 0);
    const room = new Uint8Array(ciphertext.length + 64).fill(0xa5);
    room.set(ciphertext, 32);
    const view = room.subarray(32, 32 + ciphertext.length);
    for (const each of [ciphertext, view]) {
      const opened = await provider.decryptAsymmetric({ keyId, ciphertext: each, algorithm });
      expectBytes(opened.plaintext, message, 'the plaintext with its zeros');
    }
    const own = await provider.encrypt({ keyId, plaintext: message, algorithm });
    const opened = await provider.decryptAsymmetric({
      keyId,
      ciphertext: own.ciphertext,
      algorithm,
    });
    expectBytes(opened.plaintext, message, 'the plaintext with its zeros');
  }
}

function xor(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((byte, i) => byte ^ (other[i] ?? 0));
}
