import {
  type DataKeyPairSpec,
  isRsaKeySpec,
  type RsaKeySpec,
  rsaModulusLength,
} from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf } from '../case.js';
import { check } from '../expect.js';
import { expectMatch, PAIR_SPECS, readPrivateKey, readPublicKey } from '../key-pair-check.js';
import { expectUnrelated } from '../key-statistics.js';
import { NODE_CRYPTO, pairNeeds, SYMMETRIC } from '../needs.js';
import {
  bytesOf,
  expectNoSharedPrime,
  expectStrongPrivate,
  expectStrongPublic,
  numberOf,
  numbersOf,
} from '../rsa-numbers.js';
import { expectAllDifferent, expectNoCommonPart, manyOf } from '../statistics.js';
import { withSteadyClock } from '../steady-clock.js';

const strength = {
  id: 'key-pair-strength',
  statement:
    'Key pairs have full entropy: random scalars of full length, primes that are far apart and shared with no other key',
  source:
    'FIPS 186-5 appendix A; Nemec et al., ROCA (2017); Heninger et al., Mining Your Ps and Qs (2012)',
  power:
    'Always found, in each RSA pair: the pattern of ROCA, primes of which one is close to a simple fraction of the other, small factors, composite primes, inconsistent numbers. 8 bytes that are twice in the primes of a run, or a prime that all pairs share, or the first ones after a restart, in full; one that 1 of 10 share with 99 % in soak. A bit of an elliptic curve scalar that never changes always, and 6 bits or 7 bytes of the first one after a restart (P-256); a scalar without its leading zeros with 99.9 % for P-521 by full, for the other curves by soak; halves that do not match in 1 of 100 pairs with 99.9 % by soak.',
};

const RSA_SPECS = PAIR_SPECS.filter(isRsaKeySpec);
const CURVES = PAIR_SPECS.filter((spec) => !isRsaKeySpec(spec));

/** The bytes of a scalar: RFC 5915 section 3. */
const SCALAR: Partial<Record<DataKeyPairSpec, number>> = {
  ECC_NIST_P256: 32,
  ECC_NIST_P384: 48,
  ECC_NIST_P521: 66,
  ECC_SECG_P256K1: 32,
};

interface Pair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** Makes a pair by either operation; without its private key, that is decrypted. */
async function pairOf(
  { provider, keys }: Pick<CaseContext, 'provider' | 'keys'>,
  keyPairSpec: DataKeyPairSpec,
  index = 0,
): Promise<Pair> {
  const input = { keyId: await keys.get(), keyPairSpec };
  if (index % 2 === 0) return provider.generateDataKeyPair(input);
  const { publicKey, privateKeyCiphertext: ciphertext } =
    await provider.generateDataKeyPairWithoutPlaintext(input);
  const { plaintext } = await provider.decrypt({ keyId: input.keyId, ciphertext });
  return { publicKey, privateKey: plaintext };
}

/** Fails the case when a pair is weak, or has something in common with one that this rule has seen in this run. */
async function expectStrongPair(
  { keys }: Pick<CaseContext, 'keys'>,
  spec: RsaKeySpec,
  { privateKey }: Pair,
): Promise<void> {
  const numbers = numbersOf(readPrivateKey(privateKey).export({ format: 'jwk' }));
  expectStrongPrivate(numbers, 8 * rsaModulusLength(spec));
  const { moduli, parts } = await keys.once('RSA pairs', async () => ({
    moduli: [] as bigint[],
    parts: new Set<string>(),
  }));
  expectNoSharedPrime(numbers.n, moduli);
  moduli.push(numbers.n);
  // Between the highest bits and the lowest, which are set, a prime is random.
  const primes = [numbers.p, numbers.q].map((prime) => bytesOf(prime).slice(1, -1));
  expectNoCommonPart(primes, 'primes', 8, parts);
}

/** The scalar in PKCS#8: after the version of ECPrivateKey, an OCTET STRING of the full length. */
function scalarIn(privateKey: Uint8Array, length: number): Uint8Array {
  const [version, octets] = [[2, 1, 1], 4];
  for (let i = 0; i + 5 + length <= privateKey.length; i++) {
    const isHere =
      version.every((byte, j) => privateKey[i + j] === byte) && privateKey[i + 3] === octets;
    if (!isHere) continue;
    const given = privateKey[i + 4];
    check(
      given === length,
      `a scalar of ${length} bytes, with its leading zeros`,
      `${given} bytes`,
    );
    return privateKey.slice(i + 5, i + 5 + length);
  }
  check(false, 'an ECPrivateKey', 'something else');
}

export const keyPairStrengthCases = [
  ...casesOf(
    strength,
    [
      ...RSA_SPECS.map(
        (spec, i): CaseInput => ({
          id: `STR-10${i + 1}`,
          title: `${spec}: the primes are prime, far apart and random; all numbers belong together`,
          needs: pairNeeds(spec),
          profile: 'full',
          async run(context) {
            const pair = await context.keys.once(`pair ${spec}`, () => pairOf(context, spec));
            await expectStrongPair(context, spec, pair);
          },
        }),
      ),
      {
        id: 'STR-201',
        title: 'RSA_2048: 2 more pairs (soak: 40) share no prime, and each is strong',
        needs: pairNeeds('RSA_2048'),
        profile: 'full',
        async run(context) {
          const pairs = await manyOf(context.profile === 'soak' ? 40 : 2, (i) =>
            pairOf(context, 'RSA_2048', i),
          );
          for (const pair of pairs) await expectStrongPair(context, 'RSA_2048', pair);
        },
      },
      {
        id: 'STR-502',
        title:
          'RSA_2048: the first pairs after 6 restarts (soak: 16) share no prime, also at the same moment',
        needs: [...pairNeeds('RSA_2048'), 'reopen'],
        profile: 'full',
        alone: true,
        async run(context) {
          await context.keys.get();
          for (let i = 0; i < (context.profile === 'soak' ? 16 : 6); i++) {
            const provider = await withSteadyClock(context.reopen);
            const own = { ...context, provider };
            const pair = await withSteadyClock(() => pairOf(own, 'RSA_2048', i));
            await expectStrongPair(context, 'RSA_2048', pair);
            await provider.close();
          }
        },
      },
      ...CURVES.map(
        (spec, i): CaseInput => ({
          id: `STR-30${i + 1}`,
          title: `${spec}: 112 scalars (soak: 1,500) have their full length, and every bit is random`,
          needs: pairNeeds(spec),
          profile: 'full',
          async run(context) {
            const length = SCALAR[spec] as number;
            const pairs = await manyOf(context.profile === 'soak' ? 1500 : 112, (index) =>
              pairOf(context, spec, index),
            );
            const scalars = pairs.map(({ privateKey }) => scalarIn(privateKey, length));
            expectAllDifferent(scalars, 'scalars');
            // The highest bits of P-521 are in two bytes.
            expectNoCommonPart(
              scalars.map((each) => each.slice(2)),
              'scalars',
            );
            const bits = spec === 'ECC_NIST_P521' ? 521 : 8 * length;
            // Of each operation for itself.
            for (const remainder of [0, 1]) {
              expectEveryBitToChange(
                scalars.filter((_, i) => i % 2 === remainder),
                bits,
              );
            }
            for (const { publicKey, privateKey } of pairs) {
              expectMatch(readPublicKey(publicKey), readPrivateKey(privateKey));
            }
          },
        }),
      ),
      {
        id: 'STR-501',
        title:
          'ECC_NIST_P256: the first pairs after 16 restarts are random, also at the same moment',
        needs: [...pairNeeds('ECC_NIST_P256'), 'reopen'],
        profile: 'full',
        alone: true,
        async run(context) {
          await context.keys.get();
          const firsts: Uint8Array[] = [];
          while (firsts.length < 16) {
            const provider = await withSteadyClock(context.reopen);
            const own = { ...context, provider };
            const { privateKey } = await withSteadyClock(() => pairOf(own, 'ECC_NIST_P256'));
            firsts.push(scalarIn(privateKey, 32));
            await provider.close();
          }
          expectUnrelated(firsts, 'first scalars');
        },
      },
    ],
    [...SYMMETRIC, 'dataKeyPairs'],
  ),
  ...casesOf(
    strength,
    [
      {
        id: 'STR-401',
        title: 'getPublicKey: the keys of the provider are strong, and share no prime',
        profile: 'full',
        async run({ provider, keys }) {
          const moduli: bigint[] = [];
          for (const index of [0, 1]) {
            const { publicKey } = await provider.getPublicKey({
              keyId: await keys.get('RSA_2048', index),
            });
            const { n, e } = readPublicKey(publicKey).export({ format: 'jwk' });
            expectStrongPublic(numberOf(n), numberOf(e), 2048);
            expectNoSharedPrime(numberOf(n), moduli);
            moduli.push(numberOf(n));
          }
        },
      },
    ],
    ['asymmetric', 'key:RSA_2048', NODE_CRYPTO],
  ),
];

/** A bit that is the same in 56 scalars is fixed: by chance, that happens to one of 521 bits once in 2^45. */
function expectEveryBitToChange(scalars: readonly Uint8Array[], bits: number): void {
  const [first = new Uint8Array()] = scalars;
  for (let bit = 0; bit < bits; bit++) {
    const byte = first.length - 1 - (bit >> 3);
    const values = new Set(scalars.map((each) => ((each[byte] as number) >> (bit & 7)) & 1));
    check(
      values.size === 2,
      'scalars in which every bit changes',
      `bit ${bit} the same in ${scalars.length}`,
    );
  }
}
