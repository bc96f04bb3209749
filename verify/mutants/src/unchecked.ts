import { types } from 'node:util';
import { InvalidInputError } from '@keywrap/core';
import { CALLS, type Call } from '../../../packages/testkit/dist/input-calls.js';
import { type Mutant, type Operation, wrapped } from './mutant.js';

// Input is checked field by field in every operation, so there is a mutant without each of these
// checks: it returns an empty result where it should reject.

// biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript passes has no type
type Input = any;

interface Check {
  readonly what: string;
  readonly isBad: (value: Input) => boolean;
}

const BYTES: readonly Check[] = [
  { what: 'is no Uint8Array', isBad: (value) => !types.isUint8Array(value) },
  { what: 'is detached', isBad: (value) => types.isUint8Array(value) && value.byteLength === 0 },
  {
    what: 'is in shared memory',
    isBad: (value) => types.isUint8Array(value) && types.isSharedArrayBuffer(value.buffer),
  },
];

const MISSING: Check = { what: 'is missing', isBad: (value) => value === undefined };

const KEY_IDS: readonly Check[] = [
  { what: 'is no string', isBad: (value) => value !== undefined && typeof value !== 'string' },
  { what: 'has no such form', isBad: (value) => typeof value === 'string' },
];

const ALGORITHMS: readonly Check[] = [
  { what: 'is unknown', isBad: (value) => value !== undefined },
];

const CONTEXTS: readonly Check[] = [
  {
    what: 'is no plain object',
    isBad: (value) =>
      value === null ||
      typeof value !== 'object' ||
      Object.getPrototypeOf(value) !== Object.prototype,
  },
  {
    what: 'has other values than strings',
    isBad: (value) => Object.values(value ?? {}).some((each) => typeof each !== 'string'),
  },
  {
    what: 'has unpaired surrogates',
    isBad: (value) =>
      !JSON.stringify(value).isWellFormed() || JSON.stringify(value).includes('\\ud'),
  },
  { what: 'has __proto__', isBad: (value) => Object.hasOwn(Object(value), '__proto__') },
  { what: 'has 8193 bytes', isBad: (value) => value?.k !== undefined },
  { what: 'has 10 000 pairs', isBad: (value) => Object.keys(Object(value)).length === 10_000 },
];

const valueAt = (input: Input, path: string): Input =>
  path.split('.').reduce((value, name) => value?.[name], input);

function without(
  breaks: string,
  { operation }: Call,
  path: string,
  { what, isBad }: Check,
): Mutant {
  return wrapped(`${operation}: ${path} ${what}, taken`, breaks, (inner) => ({
    [operation]: (input, options) =>
      inner[operation as Operation](input, options).catch((error: unknown) => {
        const isIt = error instanceof InvalidInputError && error.field === path;
        if (isIt && isBad(valueAt(input, path))) return {};
        throw error;
      }),
  }));
}

/** Takes what is wrong about a call as a whole. */
function lax(call: Call, what: string, isIt: (field: string) => boolean): Mutant {
  const operation = call.operation as Operation;
  return wrapped(`${operation}: ${what} taken`, 'invalid-input', (inner) => ({
    [operation]: (input, options) =>
      inner[operation](input, options).catch((error: unknown) => {
        if (error instanceof InvalidInputError && isIt(error.field)) return {};
        throw error;
      }),
  }));
}

const UNKNOWN = /(^|\.)(encryptioncontext|EncryptionContext|keyID|plainText)$/;

function mutantsOf(call: Call): Mutant[] {
  const { bytes, requiredKeyIds, optionalKeyIds = [], algorithms = [], contexts = [] } = call;
  const all = (breaks: string, paths: readonly string[], checks: readonly Check[]) =>
    paths.flatMap((path) => checks.map((check) => without(breaks, call, path, check)));
  return [
    ...all('invalid-input', bytes, BYTES),
    ...all('invalid-input', requiredKeyIds, [MISSING]),
    ...all('invalid-input', [...requiredKeyIds, ...optionalKeyIds], KEY_IDS),
    ...all('invalid-input', algorithms, ALGORITHMS),
    ...all('encryption-context-input', contexts, CONTEXTS),
    lax(call, 'input that is no object', (field) => field === 'input'),
    lax(call, 'unknown fields', (field) => UNKNOWN.test(field)),
    lax(call, 'wrong options', (field) => field.startsWith('options')),
  ];
}

const SIZES: readonly (readonly [string, (input: Input) => boolean])[] = [
  ['keySpec and numberOfBytes together', (input) => input.keySpec && input.numberOfBytes],
  [
    'neither keySpec nor numberOfBytes',
    (input) => input.keySpec === undefined && input.numberOfBytes === undefined,
  ],
  ['an unknown keySpec', (input) => input.keySpec !== undefined && !input.numberOfBytes],
  [
    'a numberOfBytes that is no number',
    (input) => input.numberOfBytes !== undefined && typeof input.numberOfBytes !== 'number',
  ],
];

const sizeMutants = CALLS.filter(({ operation }) =>
  /^generateDataKey(W|$)/.test(operation),
).flatMap((call) =>
  SIZES.map(([what, isBad]) => {
    const operation = call.operation as Operation;
    return wrapped(`${operation}: ${what} taken`, 'data-key-size', (inner) => ({
      [operation]: (input, options) =>
        inner[operation](input, options).catch((error: unknown) => {
          if (error instanceof InvalidInputError && isBad(input)) return {};
          throw error;
        }),
    }));
  }),
);

/** Providers without one of the checks of their input. */
export const uncheckedMutants: readonly Mutant[] = [...CALLS.flatMap(mutantsOf), ...sizeMutants];
