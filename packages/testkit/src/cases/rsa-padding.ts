import type { AsymmetricAlgorithm, KeyWrapError, RsaKeySpec } from '@keywrap/core';
import { joinBytes } from '../bytes.js';
import { type CaseContext, type CaseInput, casesOf } from '../case.js';
import { check, expectBytes, expectError, expectLength } from '../expect.js';
import { readPublicKey } from '../key-pair-check.js';
import { NODE_CRYPTO } from '../needs.js';
import { encryptOutside } from '../outside.js';
import { numberOf, power } from '../rsa-numbers.js';

const padding = {
  id: 'rsa-padding',
  statement:
    'decryptAsymmetric opens RSAES-OAEP of a message of any length with an empty label and MGF1 of the same hash, and nothing else: not PKCS #1 v1.5, not another label, not a bare number; every failure has the same error',
  source: 'RFC 8017 section 7.1.2; Bleichenbacher (1998); Manger (2001)',
  power:
    'Always, for each algorithm under 2,048 bits in every profile and under 3,072 and 4,096 by full: each of 18 to 21 other encodings that opens or has another error, zeros that are lost before a plaintext or a ciphertext, a ciphertext that is not less than the modulus. Not found: a difference in time.',
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

/** I2OSP of RFC 8017 section 4.1. */
function bytesOf(number: bigint, length: number): Uint8Array {
  const hex = number.toString(16).padStart(2 * length, '0');
  return Uint8Array.from({ length }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
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

/** Ciphertexts of this key that are no RSAES-OAEP with this hash. */
async function foreign(key: PublicNumbers, message: Uint8Array, hash: Hash) {
  const oaep = async (title: string, deviation: Deviation) =>
    [title, raw(key, await encode(key, message, hash, deviation))] as const;
  const others = Object.values(HASHES).filter((each) => each !== hash);
  const fits = (each: Hash) =>
    2 * (Number(each.slice(4)) === 1 ? 20 : Number(each.slice(4)) / 8) + 2 + message.length <=
    key.k;
  const { n, k } = key;
  return [
    ['PKCS #1 v1.5', raw(key, encodeVersion15(key, message))],
    ['PKCS #1 v1.5 of a signature', raw(key, encodeVersion15(key, message, 1))],
    await oaep('a label', { label: 'label' }),
    await oaep('a label of one zero', { label: '\0' }),
    ...(await Promise.all(others.map((mgf) => oaep(`MGF1 with ${mgf}`, { mgf })))),
    ...(await Promise.all(
      others
        .filter(fits)
        .map(async (each) => [each, raw(key, await encode(key, message, each))] as const),
    )),
    await oaep('a first byte of 1', { first: 1 }),
    await oaep('a separator of 2', { separator: 2 }),
    await oaep('no separator', { separator: 0 }),
    await oaep('padding that is not zero', { filler: 2 }),
    ['no padding', raw(key, message)],
    [
      'no padding, from the left',
      raw(key, joinBytes(Uint8Array.of(0), message, new Uint8Array(k - 1 - message.length))),
    ],
    ['0', new Uint8Array(k)],
    ['1', bytesOf(1n, k)],
    ['n - 1', bytesOf(n - 1n, k)],
    ['n', bytesOf(n, k)],
    ['n + 1', bytesOf(n + 1n, k)],
    ['the largest number', new Uint8Array(k).fill(0xff)],
  ] as const;
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
  const all = await foreign(numbers, message, hash);
  const errors: KeyWrapError[] = [];
  for (const [title, ciphertext] of [
    ...all,
    ['c + n', await tooLarge(numbers, message, hash)] as const,
  ]) {
    const call = provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
    const error = await expectError(call, 'INVALID_CIPHERTEXT', { operation: 'decryptAsymmetric' });
    errors.push(error);
    const isAlike = error.message === errors[0]?.message && error.name === errors[0]?.name;
    check(isAlike, 'the same message for every kind of ciphertext', `another for ${title}`);
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
