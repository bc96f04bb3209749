import type { DecryptResult } from '@keywrap/core';
import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, describeError, expectKeyWrapError, kindOf } from '../expect.js';
import { quickestPair } from '../key-uses.js';
import { leakInResult } from '../leaks.js';
import type { Need } from '../needs.js';

const hidden = {
  id: 'results-hide-secrets',
  statement:
    'Nothing that holds a secret shows it through console.log, util.inspect, JSON.stringify or a spread',
  source: CONTRACT,
};

const disposable = {
  id: 'results-disposable',
  statement: '[Symbol.dispose]() wipes the secret of a result; reading it after that throws',
  source: CONTRACT,
};

interface Holder {
  readonly result: Disposable & object;
  readonly read: () => Uint8Array;
  /** What is no secret, and outlives it. */
  readonly rest: () => Readonly<Record<string, string | Uint8Array>>;
}

const HOLDERS: readonly [
  string,
  string,
  readonly Need[],
  (context: CaseContext) => Promise<Holder>,
][] = [
  [
    '1',
    'decrypt',
    ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'],
    async ({ provider, keys }) => {
      const result = await provider.decrypt(await keys.sealed('SYMMETRIC_DEFAULT'));
      return { result, read: () => result.plaintext, rest: () => openedRest(result) };
    },
  ],
  [
    '2',
    'decryptAsymmetric',
    ['asymmetric', 'key:RSA_2048'],
    async ({ provider, keys }) => {
      const algorithm = keys.rsaAlgorithm;
      const input = { ...(await keys.sealed('RSA_2048')), algorithm };
      const result = await provider.decryptAsymmetric(input);
      return { result, read: () => result.plaintext, rest: () => openedRest(result) };
    },
  ],
  [
    '3',
    'generateDataKey',
    ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT', 'dataKeys'],
    async ({ provider, keys }) => {
      const input = { keyId: await keys.get(), keySpec: 'AES_256' } as const;
      const result = await provider.generateDataKey(input);
      const rest = ({ keyId, ciphertext } = result) => ({ keyId, ciphertext });
      return { result, read: () => result.plaintext, rest };
    },
  ],
  [
    '4',
    'generateDataKeyPair',
    ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT', 'dataKeyPairs'],
    async ({ provider, keys }) => {
      const input = { keyId: await keys.get(), keyPairSpec: quickestPair(provider) };
      const result = await provider.generateDataKeyPair(input);
      const rest = ({ keyId, keyPairSpec, publicKey, privateKeyCiphertext } = result) => {
        return { keyId, keyPairSpec, publicKey, privateKeyCiphertext };
      };
      return { result, read: () => result.privateKey, rest };
    },
  ],
  [
    '5',
    'decrypt without a keyId',
    ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT', 'keyIdFromCiphertext'],
    async ({ provider, keys }) => {
      const { ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
      const result = await provider.decrypt({ ciphertext });
      return { result, read: () => result.plaintext, rest: () => openedRest(result) };
    },
  ],
];

const openedRest = ({ keyId, algorithm }: DecryptResult) => ({ keyId, algorithm });

export const secretCases = [
  ...casesOf(
    hidden,
    HOLDERS.map(
      ([number, title, needs, open]): CaseInput => ({
        id: `SEC-10${number}`,
        title: `${title}: its result does not show the secret`,
        needs,
        async run(context) {
          const { result, read } = await open(context);
          const where = leakInResult(result, [secretIn(read())]);
          check(
            where === undefined,
            'a result that hides its secret',
            `one that shows it ${where}`,
          );
        },
      }),
    ),
  ),
  ...casesOf(
    disposable,
    HOLDERS.flatMap(([number, title, needs, open]): CaseInput[] => [
      {
        id: `SEC-20${number}`,
        title: `${title}: dispose overwrites the secret, and may be called twice`,
        needs,
        async run(context) {
          const { result, read } = await open(context);
          const secret = read();
          const dispose: unknown = result[Symbol.dispose];
          check(typeof dispose === 'function', 'a [Symbol.dispose] method', kindOf(dispose));
          result[Symbol.dispose]();
          check(
            secret.every((byte) => byte === 0),
            'zeros where the secret was',
            'the secret, still there',
          );
          result[Symbol.dispose]();
        },
      },
      {
        id: `SEC-30${number}`,
        title: `${title}: reading the secret after dispose throws (CLOSED)`,
        needs,
        async run(context) {
          const { result, read } = await open(context);
          result[Symbol.dispose]();
          const wanted = 'ProviderClosedError (CLOSED) thrown';
          let error: unknown;
          try {
            const bytes = read();
            error = new Error(`${kindOf(bytes)} read`);
          } catch (thrown) {
            error = thrown;
          }
          expectKeyWrapError(error, wanted);
          check(error.code === 'CLOSED', wanted, describeError(error));
        },
      },
      {
        id: `SEC-40${number}`,
        title: `${title}: what is no secret can be read after dispose as before`,
        needs,
        async run(context) {
          const { result, rest } = await open(context);
          const before = JSON.stringify(rest());
          result[Symbol.dispose]();
          const isLeft = JSON.stringify(rest()) === before;
          check(isLeft, 'the rest of the result as it was', 'something else');
        },
      },
    ]),
  ),
];

// DER of a key begins the same way for every key of its kind, so the beginning is not secret.
function secretIn(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0x30 && bytes.length > 64 ? bytes.slice(36, 64) : bytes.slice();
}
