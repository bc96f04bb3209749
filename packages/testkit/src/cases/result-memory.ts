import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, expectOwnMemory, sameBytes } from '../expect.js';
import { quickestPair } from '../key-uses.js';
import type { Need } from '../needs.js';

const own = {
  id: 'results-own-memory',
  statement: 'Results own their memory: nothing else reads or changes it',
  source: CONTRACT,
};

const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;
const rsa = ['asymmetric', 'key:RSA_2048'] as const;

/** The bytes in every kind of result. */
const RESULTS: readonly [
  string,
  string,
  readonly Need[],
  (context: CaseContext) => Promise<Record<string, Uint8Array>>,
][] = [
  [
    '01',
    'encrypt',
    symmetric,
    async ({ provider, keys, secret }) => {
      const { ciphertext } = await provider.encrypt({
        keyId: await keys.get(),
        plaintext: secret(),
      });
      return { ciphertext };
    },
  ],
  [
    '02',
    'encrypt with RSA',
    rsa,
    async ({ provider, keys, secret }) => {
      const algorithm = keys.rsaAlgorithm;
      const input = { keyId: await keys.get('RSA_2048'), plaintext: secret(), algorithm };
      return { ciphertext: (await provider.encrypt(input)).ciphertext };
    },
  ],
  [
    '03',
    'decrypt',
    symmetric,
    async ({ provider, keys }) => {
      const { plaintext } = await provider.decrypt(await keys.sealed('SYMMETRIC_DEFAULT'));
      return { plaintext };
    },
  ],
  [
    '04',
    'decryptAsymmetric',
    rsa,
    async ({ provider, keys }) => {
      const algorithm = keys.rsaAlgorithm;
      const input = { ...(await keys.sealed('RSA_2048')), algorithm };
      return { plaintext: (await provider.decryptAsymmetric(input)).plaintext };
    },
  ],
  [
    '05',
    'reEncrypt',
    symmetric,
    async ({ provider, keys }) => {
      const { keyId, ciphertext: old } = await keys.sealed('SYMMETRIC_DEFAULT');
      const input = { ciphertext: old, source: { keyId }, destination: { keyId } };
      return { ciphertext: (await provider.reEncrypt(input)).ciphertext };
    },
  ],
  [
    '06',
    'generateDataKey',
    [...symmetric, 'dataKeys'],
    async ({ provider, keys }) => {
      const input = { keyId: await keys.get(), keySpec: 'AES_256' } as const;
      const { plaintext, ciphertext } = await provider.generateDataKey(input);
      return { plaintext, ciphertext };
    },
  ],
  [
    '07',
    'generateDataKeyWithoutPlaintext',
    [...symmetric, 'dataKeys'],
    async ({ provider, keys }) => {
      const input = { keyId: await keys.get(), keySpec: 'AES_256' } as const;
      const { ciphertext } = await provider.generateDataKeyWithoutPlaintext(input);
      return { ciphertext };
    },
  ],
  [
    '08',
    'generateDataKeyPair',
    [...symmetric, 'dataKeyPairs'],
    async ({ provider, keys }) => {
      const input = { keyId: await keys.get(), keyPairSpec: quickestPair(provider) };
      const { publicKey, privateKey, privateKeyCiphertext } =
        await provider.generateDataKeyPair(input);
      return { publicKey, privateKey, privateKeyCiphertext };
    },
  ],
  [
    '09',
    'generateDataKeyPairWithoutPlaintext',
    [...symmetric, 'dataKeyPairs'],
    async ({ provider, keys }) => {
      const input = { keyId: await keys.get(), keyPairSpec: quickestPair(provider) };
      const { publicKey, privateKeyCiphertext } =
        await provider.generateDataKeyPairWithoutPlaintext(input);
      return { publicKey, privateKeyCiphertext };
    },
  ],
  [
    '10',
    'getPublicKey',
    rsa,
    async ({ provider, keys }) => {
      const { publicKey } = await provider.getPublicKey({ keyId: await keys.get('RSA_2048') });
      return { publicKey };
    },
  ],
  [
    '11',
    'decrypt without a keyId',
    [...symmetric, 'keyIdFromCiphertext'],
    async ({ provider, keys }) => {
      const { ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
      return { plaintext: (await provider.decrypt({ ciphertext })).plaintext };
    },
  ],
  [
    '12',
    'reEncrypt to an RSA key',
    [...symmetric, ...rsa],
    async ({ provider, keys }) => {
      const { keyId, ciphertext: old } = await keys.sealed('SYMMETRIC_DEFAULT');
      const destination = { keyId: await keys.get('RSA_2048'), algorithm: keys.rsaAlgorithm };
      const input = { ciphertext: old, source: { keyId }, destination };
      return { ciphertext: (await provider.reEncrypt(input)).ciphertext };
    },
  ],
];

/** The calls that give back the same bytes each time, so that a provider could keep them. */
const REPEATABLE = new Set([
  'decrypt',
  'decrypt without a keyId',
  'decryptAsymmetric',
  'getPublicKey',
]);

export const resultMemoryCases = [
  ...casesOf(
    own,
    RESULTS.flatMap(([number, title, needs, bytesOf]): CaseInput[] => [
      {
        id: `MEM-1${number}`,
        title: `${title}: its bytes are the whole of their buffer`,
        needs,
        async run(context) {
          // Small and larger buffers may come from different places, so it is tried more than once.
          for (let i = 0; i < 3; i++) {
            for (const [name, bytes] of Object.entries(await bytesOf(context))) {
              expectOwnMemory(bytes, name);
            }
          }
        },
      },
      ...(REPEATABLE.has(title)
        ? [
            {
              id: `MEM-2${number}`,
              title: `${title}: what a caller does to one result changes no other`,
              needs,
              async run(context: CaseContext) {
                const [one, two] = [await bytesOf(context), await bytesOf(context)];
                for (const [name, bytes] of Object.entries(one)) {
                  const other = two[name] as Uint8Array;
                  const before = other.slice();
                  bytes.fill(0);
                  check(sameBytes(other, before), `${name} of its own`, 'one that is shared');
                  const third = (await bytesOf(context))[name] as Uint8Array;
                  check(sameBytes(third, before), `${name} of its own`, 'one that is shared');
                }
              },
            },
          ]
        : []),
    ]),
  ),
  ...casesOf(
    own,
    (
      [
        ['1', 'getPublicKey', 'RSA_2048', rsa],
        ['2', 'describeKey', 'SYMMETRIC_DEFAULT', ['key:SYMMETRIC_DEFAULT']],
      ] as const
    ).map(
      ([number, operation, kind, needs]): CaseInput => ({
        id: `MEM-22${number}`,
        title: `${operation}: what a caller does to one result, its lists and dates too, changes no other`,
        needs,
        async run({ provider, keys }) {
          const input = { keyId: await keys.get(kind) };
          const before = JSON.stringify(await provider[operation](input));
          const [one, two] = [await provider[operation](input), await provider[operation](input)];
          overwrite(one);
          for (const other of [two, await provider[operation](input)]) {
            const isOwn = JSON.stringify(other) === before;
            check(isOwn, 'a result of its own', 'one that is shared');
          }
        },
      }),
    ),
  ),
];

/** Changes whatever of a result can be changed; what is frozen can't, and need not be copied. */
function overwrite(result: object): void {
  for (const [name, value] of Object.entries(result)) {
    if (value instanceof Date) value.setTime(0);
    else if (value instanceof Uint8Array) value.fill(0);
    else if (typeof value === 'object' && value !== null) overwrite(value);
    Reflect.set(result, name, 'overwritten');
  }
}
