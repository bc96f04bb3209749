import {
  type AsymmetricAlgorithm,
  type DataKeyPairSpec,
  InvalidCiphertextError,
  InvalidInputError,
  maximumPlaintextLength,
  type RsaKeySpec,
  rsaModulusLength,
} from '@keywrap/core';
import { type Mutant, type Operation, replaced, wrapped } from './mutant.js';
import { ReferenceDriver } from './reference-driver.js';

// Providers that are wrong for one kind of key, or one size, and right for all others.

const PAIRS: readonly (readonly [asked: DataKeyPairSpec, made: DataKeyPairSpec])[] = [
  ['RSA_2048', 'ECC_NIST_P256'],
  ['RSA_3072', 'RSA_2048'],
  ['RSA_4096', 'RSA_2048'],
  ['ECC_NIST_P256', 'ECC_SECG_P256K1'],
  ['ECC_NIST_P384', 'ECC_NIST_P256'],
  ['ECC_NIST_P521', 'ECC_NIST_P384'],
  ['ECC_SECG_P256K1', 'ECC_NIST_P256'],
];

type PairFields = Record<string, string | object>;

/** Does something else to pairs of one kind. The others are not declared: they take long to make. */
function pair(
  name: string,
  breaks: string,
  operation: Operation,
  [asked, made]: (typeof PAIRS)[number],
  change: (generate: (spec: DataKeyPairSpec) => Promise<PairFields>) => Promise<unknown>,
): Mutant {
  return wrapped(
    `${asked} ${name}`,
    breaks,
    (inner) => ({
      [operation]: (input, options) =>
        input?.keyPairSpec === asked
          ? change((keyPairSpec) => inner[operation]({ ...input, keyPairSpec }, options))
          : inner[operation](input, options),
    }),
    () => new ReferenceDriver({ dataKeyPairSpecs: [asked, made] }),
  );
}

const pairMutants = PAIRS.flatMap((kinds) => {
  const [asked, made] = kinds;
  const generates = 'generateDataKeyPair';
  const wraps = 'generateDataKeyPairWithoutPlaintext';
  return [
    pair(`is ${made}`, 'data-key-pair', generates, kinds, async (generate) =>
      replaced(await generate(made), { keyPairSpec: asked }),
    ),
    pair('has the public key of another', 'data-key-pair', generates, kinds, async (generate) => {
      const { publicKey } = await generate(asked);
      return replaced(await generate(asked), { publicKey });
    }),
    pair('is not the wrapped one', 'data-key-pair', generates, kinds, async (generate) => {
      const { privateKeyCiphertext } = await generate(asked);
      return replaced(await generate(asked), { privateKeyCiphertext });
    }),
    pair(
      `is ${made} without plaintext`,
      'data-key-pair-without-plaintext',
      wraps,
      kinds,
      async (generate) => ({ ...(await generate(made)), keyPairSpec: asked }),
    ),
  ];
});

const repeating = (['generateDataKeyPair', 'generateDataKeyPairWithoutPlaintext'] as const).map(
  (operation, i) =>
    wrapped(
      `${operation} repeats itself`,
      ['data-key-pair', 'data-key-pair-without-plaintext'][i] as string,
      (inner) => {
        const first = new Map<string, Promise<object>>();
        return {
          [operation]: (input, options) => {
            const known = first.get(input.keyPairSpec) ?? inner[operation](input, options);
            first.set(input.keyPairSpec, known);
            return known;
          },
        };
      },
      () => new ReferenceDriver({ dataKeyPairSpecs: ['ECC_NIST_P256'] }),
    ),
);

const SIZES = [
  ['AES_256', { keySpec: 'AES_128' }],
  ['AES_128', { numberOfBytes: 15 }],
  ...[24, 64, 1023, 1024].map((size) => [size, { numberOfBytes: size - 1 }] as const),
  [1, { numberOfBytes: 2 }],
] as const;

const sizeMutants = SIZES.flatMap(([asked, made]) =>
  (['generateDataKey', 'generateDataKeyWithoutPlaintext'] as const).map((operation, i) =>
    wrapped(
      `${operation} of ${asked} gives another size`,
      ['data-key', 'data-key-without-plaintext'][i] as string,
      (inner) => ({
        [operation]: (input, options) => {
          const { keySpec, numberOfBytes, ...rest } = input ?? {};
          const isIt = keySpec === asked || numberOfBytes === asked;
          return inner[operation](isIt ? { ...rest, ...made } : input, options);
        },
      }),
    ),
  ),
);

const ALGORITHMS = [
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSAES_OAEP_SHA_384',
  'RSAES_OAEP_SHA_512',
] as const;
const COMBINATIONS = (['RSA_2048', 'RSA_3072', 'RSA_4096'] as const).flatMap((spec) =>
  ALGORITHMS.map((algorithm) => ({ spec, algorithm, name: `${spec} with ${algorithm}` })),
);

const other = (algorithm: AsymmetricAlgorithm) =>
  algorithm === 'RSAES_OAEP_SHA_1' ? 'RSAES_OAEP_SHA_256' : 'RSAES_OAEP_SHA_1';

/** Whether the key that made or opens this is of that kind. */
const isOf = (spec: RsaKeySpec, { length }: Uint8Array) => length === rsaModulusLength(spec);

const rsaMutants = COMBINATIONS.flatMap(({ spec, algorithm, name }) => [
  wrapped(`${name} encrypts with the other hash`, 'asymmetric', (inner) => ({
    encrypt: async (input, options) => {
      const result = await inner.encrypt(input, options);
      if (input.algorithm !== algorithm || !isOf(spec, result.ciphertext)) return result;
      const swapped = await inner.encrypt({ ...input, algorithm: other(algorithm) }, options);
      return { ...swapped, algorithm };
    },
  })),
  wrapped(`${name} opens only what it made`, 'asymmetric', (inner) => {
    const made = new Set<string>();
    const nameOf = (ciphertext: Uint8Array) => Buffer.from(ciphertext).toString('latin1');
    return {
      encrypt: async (input, options) => {
        const result = await inner.encrypt(input, options);
        made.add(nameOf(result.ciphertext));
        return result;
      },
      decryptAsymmetric: async (input, options) => {
        const { ciphertext } = input;
        if (
          input.algorithm === algorithm &&
          isOf(spec, ciphertext) &&
          !made.has(nameOf(ciphertext))
        )
          throw doesNotOpen();
        return inner.decryptAsymmetric(input, options);
      },
    };
  }),
  wrapped(
    `${name} does not open the longest plaintext`,
    'asymmetric-plaintext-length',
    (inner) => ({
      decryptAsymmetric: async (input, options) => {
        const result = await inner.decryptAsymmetric(input, options);
        const isIt = input.algorithm === algorithm && isOf(spec, input.ciphertext);
        const isLongest = result.plaintext.length === maximumPlaintextLength(algorithm, spec);
        if (isIt && isLongest) throw doesNotOpen();
        return result;
      },
    }),
  ),
]);

const doesNotOpen = () =>
  new InvalidCiphertextError('the ciphertext does not open', { operation: 'decryptAsymmetric' });

const lengthMutants = [2, 31, 33, 1024, 4095].map((length) =>
  wrapped(
    `${length} bytes rejected`,
    length === 4095 ? 'plaintext-length' : 'encrypt-decrypt',
    (inner) => ({
      encrypt: async (input, options) => {
        if (input?.plaintext?.length === length)
          throw new InvalidInputError('plaintext', 'has no such length', { operation: 'encrypt' });
        return inner.encrypt(input, options);
      },
    }),
  ),
);

export const kindMutants: readonly Mutant[] = [
  ...pairMutants,
  ...repeating,
  ...sizeMutants,
  ...rsaMutants,
  ...lengthMutants,
];
