import {
  BAD_CONTEXT_PAIRS,
  BAD_CONTEXTS,
  type BadValue,
  contextOf,
  PROTO_CONTEXTS,
  SURROGATE_CONTEXTS,
  tooManyPairs,
  wideContextOf,
} from '../bad-values.js';
import { type CaseInput, CONTRACT, casesOf, kmsApi } from '../case.js';
import {
  CALLS,
  type Call,
  callOf,
  expectInvalid,
  expectRefused,
  letters,
  withValue,
} from '../input-calls.js';
import { invoke } from '../key-use.js';
import { type Need, OWN_RUNTIME, RSA, SYMMETRIC } from '../needs.js';
import { seal } from '../round-trip.js';

const contextLimits = {
  id: 'encryption-context-input',
  statement:
    'An encryption context is a plain object of well-formed strings, without __proto__, of at most 8192 bytes',
  source: CONTRACT,
};

const dataKeySize = {
  id: 'data-key-size',
  statement: 'A data key is requested with either keySpec or numberOfBytes',
  source: kmsApi('GenerateDataKey'),
};

const asymmetricInput = {
  id: 'asymmetric-input',
  statement:
    'Decrypting an asymmetric ciphertext needs keyId and algorithm, because it identifies neither',
  source: kmsApi('Decrypt'),
};

function contextCases(call: Call): CaseInput[] {
  const { number, operation, contexts = [] } = call;
  const needs: Need[] = [...call.needs, 'encryptionContext'];
  return contexts.flatMap((path): CaseInput[] => {
    const make = (id: string, title: string, values: () => readonly BadValue[]): CaseInput => ({
      id: `CIN-${id}${letters(path)}${number}`,
      title: `${operation} rejects ${title} in ${path}`,
      needs: [...needs, OWN_RUNTIME],
      run: (context) => expectRefused(call, context, path, values()),
    });
    return [
      make('O', 'anything but a plain object', () => BAD_CONTEXTS),
      make('V', 'anything but pairs of strings', () => BAD_CONTEXT_PAIRS),
      make('S', 'unpaired surrogates', () => SURROGATE_CONTEXTS),
      make('P', '__proto__', () => PROTO_CONTEXTS),
      make('L', '8193 bytes', () => [['8193 bytes', contextOf(8193)]]),
      make('W', '8193 bytes in fewer characters', () => [['8193 bytes', wideContextOf(8193)]]),
      {
        id: `CIN-A${letters(path)}${number}`,
        title: `${operation} accepts 8192 bytes in ${path}, in characters of one byte and of three`,
        needs,
        async run(context) {
          const opens = operation === 'decrypt' || path.startsWith('source.');
          for (const encryptionContext of [contextOf(8192), wideContextOf(8192)]) {
            const input = withValue(await call.input(context), path, encryptionContext);
            const { ciphertext } = await seal(context, { encryptionContext });
            await invoke(context.provider, call, opens ? { ...input, ciphertext } : input);
          }
        },
      },
      make('N', '10 000 pairs', () => [['10 000 pairs', tooManyPairs()]]),
    ];
  });
}

const keyCalls = [callOf('generateDataKey'), callOf('generateDataKeyWithoutPlaintext')];
const SIZE_FIELDS = ['keySpec', 'numberOfBytes'];

export const inputCombinationCases = [
  ...casesOf(contextLimits, CALLS.flatMap(contextCases)),
  ...casesOf(
    dataKeySize,
    keyCalls.flatMap((call): CaseInput[] => {
      const { number, operation, needs } = call;
      return [
        {
          id: `DKI-B${number}`,
          title: `${operation} rejects keySpec and numberOfBytes together`,
          needs,
          run: (context) =>
            expectRefused(call, context, 'numberOfBytes', [['both', 32]], SIZE_FIELDS),
        },
        {
          id: `DKI-N${number}`,
          title: `${operation} rejects neither keySpec nor numberOfBytes`,
          needs,
          run: (context) =>
            expectRefused(call, context, 'keySpec', [['neither', undefined]], SIZE_FIELDS),
        },
        {
          id: `DKI-S${number}`,
          title: `${operation} rejects an unknown keySpec`,
          needs,
          run: (context) =>
            expectRefused(call, context, 'keySpec', [
              ['null', null],
              ['a number', 256],
              ['a size that is not offered', 'AES_192'],
              ['lower case', 'aes_256'],
              ['an inherited name', 'constructor'],
            ]),
        },
        {
          id: `DKI-T${number}`,
          title: `${operation} rejects a numberOfBytes that is not a number`,
          needs,
          async run({ provider, keys }) {
            const keyId = await keys.get();
            for (const numberOfBytes of [
              '32',
              32n,
              null,
              {},
              [32],
              true,
              Number.POSITIVE_INFINITY,
            ]) {
              const rejected = invoke(provider, call, { keyId, numberOfBytes });
              const what = `numberOfBytes: ${typeof numberOfBytes}`;
              const fields = numberOfBytes === null ? SIZE_FIELDS : 'numberOfBytes';
              await expectInvalid(rejected, operation, fields, what);
            }
          },
        },
      ];
    }),
    [OWN_RUNTIME],
  ),
  ...casesOf(
    asymmetricInput,
    [
      {
        id: 'ASI-001',
        title: 'decryptAsymmetric rejects a missing or a symmetric algorithm',
        needs: RSA,
        run: (context) =>
          expectRefused(callOf('decryptAsymmetric'), context, 'algorithm', [
            ['missing', undefined],
            ['SYMMETRIC_DEFAULT', 'SYMMETRIC_DEFAULT'],
          ]),
      },
      {
        id: 'ASI-002',
        title: 'decrypt rejects an asymmetric algorithm: that is decryptAsymmetric',
        needs: [...SYMMETRIC, 'asymmetric'],
        run: (context) => {
          const { rsaAlgorithm } = context.keys;
          return expectRefused(callOf('decrypt'), context, 'algorithm', [
            [rsaAlgorithm, rsaAlgorithm],
          ]);
        },
      },
      {
        id: 'ASI-003',
        title: 'reEncrypt rejects an RSA source without a keyId',
        needs: RSA,
        async run({ provider, keys }) {
          const algorithm = keys.rsaAlgorithm;
          const { keyId, ciphertext } = await keys.sealed('RSA_2048');
          const input = { ciphertext, source: { algorithm }, destination: { keyId, algorithm } };
          const rejected = provider.reEncrypt(input as never);
          await expectInvalid(
            rejected,
            'reEncrypt',
            'source.keyId',
            'an RSA source without a keyId',
          );
        },
      },
    ],
    [OWN_RUNTIME],
  ),
];
