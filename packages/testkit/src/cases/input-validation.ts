import {
  BAD_ALGORITHMS,
  BAD_KEY_ID_TYPES,
  BAD_KEY_IDS,
  type BadValue,
  badBytes,
  detachedBytes,
  sharedBytes,
} from '../bad-values.js';
import { type CaseInput, CONTRACT, casesOf } from '../case.js';
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
import { OWN_RUNTIME, SYMMETRIC } from '../needs.js';

const invalid = {
  id: 'invalid-input',
  statement:
    'Wrong input is rejected with the name of the field, and nothing is done (INVALID_INPUT)',
  source: CONTRACT,
};

function fieldCases(call: Call): CaseInput[] {
  const { number, operation, needs } = call;
  const { bytes, requiredKeyIds, optionalKeyIds = [], algorithms = [] } = call;
  const make = (
    id: string,
    title: string,
    path: string,
    values: () => readonly BadValue[],
  ): CaseInput => ({
    id: `INP-${id}${number}`,
    title: `${operation} rejects ${title}`,
    needs,
    run: (context) => expectRefused(call, context, path, values()),
  });
  return [
    ...bytes.flatMap((path) => [
      make('T', `a ${path} that is not a Uint8Array`, path, badBytes),
      make('M', `a ${path} in a detached buffer`, path, () => [['detached', detachedBytes()]]),
      make('H', `a ${path} in shared memory`, path, () => [['shared', sharedBytes()]]),
    ]),
    ...requiredKeyIds.map((path) =>
      make(`K${letters(path)}`, `a missing ${path}`, path, () => [['missing', undefined]]),
    ),
    ...[...requiredKeyIds, ...optionalKeyIds].flatMap((path) => [
      make(`Y${letters(path)}`, `a ${path} that is not a string`, path, () => BAD_KEY_ID_TYPES),
      make(`F${letters(path)}`, `a malformed ${path}`, path, () => BAD_KEY_IDS),
    ]),
    ...algorithms.map((path) =>
      make(`A${letters(path)}`, `an unknown ${path}`, path, () => BAD_ALGORITHMS),
    ),
  ];
}

function wholeCases(call: Call): CaseInput[] {
  const { number, operation, needs } = call;
  return [
    {
      id: `INP-I${number}`,
      title: `${operation} rejects input that is not an object`,
      needs,
      async run({ provider }) {
        for (const input of [undefined, null, 'text', 7, true, [], () => {}]) {
          const rejected = invoke(provider, call, input);
          await expectInvalid(rejected, operation, 'input', `input: ${String(input)}`);
        }
      },
    },
    {
      id: `INP-U${number}`,
      title: `${operation} rejects unknown and misspelt fields`,
      needs,
      async run(context) {
        const input = await call.input(context);
        const unknown = ['encryptioncontext', 'EncryptionContext', 'keyID', 'plainText'];
        const sides = operation === 'reEncrypt' ? ['', 'source.', 'destination.'] : [''];
        for (const path of sides.flatMap((side) => unknown.map((name) => side + name))) {
          const rejected = invoke(context.provider, call, withValue(input, path, { tenant: 'a' }));
          await expectInvalid(rejected, operation, path, `the unknown field ${path}`);
        }
      },
    },
    {
      id: `INP-O${number}`,
      title: `${operation} rejects options that are wrong`,
      needs,
      async run(context) {
        const input = await call.input(context);
        const options: readonly [unknown, string][] = [
          [null, 'options'],
          ['text', 'options'],
          [{ sginal: undefined }, 'options.sginal'],
          [{ signal: {} }, 'options.signal'],
          [{ signal: null }, 'options.signal'],
          [{ signal: new AbortController() }, 'options.signal'],
          [{ grantTokens: 'token' }, 'options.grantTokens'],
          [{ grantTokens: [7] }, 'options.grantTokens'],
          [{ grantTokens: [''] }, 'options.grantTokens'],
          [{ grantTokens: Array.from({ length: 11 }, () => 'token') }, 'options.grantTokens'],
        ];
        for (const [value, field] of options) {
          const rejected = invoke(context.provider, call, input, value);
          await expectInvalid(rejected, operation, field, `${field} in the options`);
        }
      },
    },
  ];
}

const pairCalls = CALLS.filter(({ operation }) => operation.startsWith('generateDataKeyPair'));

export const inputCases = [
  ...casesOf(
    invalid,
    CALLS.flatMap((call) => [...fieldCases(call), ...wholeCases(call)]),
    [OWN_RUNTIME],
  ),
  ...casesOf(
    invalid,
    [
      ...(['source', 'destination'] as const).map(
        (side, i): CaseInput => ({
          id: `INP-00${i + 1}`,
          title: `reEncrypt rejects a ${side} that is not an object`,
          needs: SYMMETRIC,
          async run(context) {
            const call = callOf('reEncrypt');
            const values: BadValue[] = [
              ['a string', 'alias/a'],
              ['an array', []],
              ['a number', 7],
            ];
            if (side === 'destination') values.push(['missing', undefined], ['null', null]);
            await expectRefused(call, context, side, values);
          },
        }),
      ),
      ...pairCalls.map(
        (call): CaseInput => ({
          id: `INP-P${call.number}`,
          title: `${call.operation} rejects an unknown keyPairSpec`,
          needs: call.needs,
          run: (context) =>
            expectRefused(call, context, 'keyPairSpec', [
              ['missing', undefined],
              ['null', null],
              ['a number', 2048],
              ['a size that is not offered', 'RSA_1024'],
              ['lower case', 'rsa_2048'],
              ['a data key', 'AES_256'],
              ['an inherited name', 'constructor'],
            ]),
        }),
      ),
    ],
    [OWN_RUNTIME],
  ),
];
