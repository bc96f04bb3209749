import { types } from 'node:util';
import { InvalidInputError } from '@keywrap/core';
import { CALLS, type Call } from '../../../packages/testkit/dist/input-calls.js';
import { type Loose, type Mutant, type Operation, wrapped } from './mutant.js';

// What a provider that implements the interface itself may forget to check: core checks it for every driver, so these are
// wrong in a way that no driver can be. Each forgets one check in all operations; the cases are one for each.

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

/** Returns an empty result where it should reject, in every operation that has such a field. */
function unchecked(
  name: string,
  breaks: string,
  calls: readonly Call[],
  isForgotten: (error: InvalidInputError, input: Input, call: Call) => boolean,
): Mutant {
  return wrapped(name, breaks, (inner) =>
    Object.fromEntries(
      calls.map((call) => {
        const operation = call.operation as Operation;
        const method: Loose = (input, options) =>
          inner[operation](input, options).catch((error: unknown) => {
            if (error instanceof InvalidInputError && isForgotten(error, input, call)) return {};
            throw error;
          });
        return [operation, method];
      }),
    ),
  );
}

/** Forgets one check of the fields of a kind. */
const field = (
  kind: string,
  breaks: string,
  pathsOf: (call: Call) => readonly string[],
  { what, isBad }: Check,
) =>
  unchecked(`${kind} that ${what}, taken`, breaks, CALLS, (error, input, call) =>
    pathsOf(call).some((path) => error.field === path && isBad(valueAt(input, path))),
  );

/** Takes what is wrong about a call as a whole. */
const whole = (what: string, isIt: (field: string) => boolean) =>
  unchecked(`${what} taken`, 'invalid-input', CALLS, (error) => isIt(error.field));

const UNKNOWN = /(^|\.)(encryptioncontext|EncryptionContext|keyID|plainText)$/;

const keyIdsOf = ({ requiredKeyIds, optionalKeyIds = [] }: Call) => [
  ...requiredKeyIds,
  ...optionalKeyIds,
];

const fieldMutants = [
  ...BYTES.map((each) => field('bytes', 'invalid-input', ({ bytes }) => bytes, each)),
  field('a keyId', 'invalid-input', ({ requiredKeyIds }) => requiredKeyIds, MISSING),
  ...KEY_IDS.map((each) => field('a keyId', 'invalid-input', keyIdsOf, each)),
  ...ALGORITHMS.map((each) =>
    field('an algorithm', 'invalid-input', ({ algorithms = [] }) => algorithms, each),
  ),
  ...CONTEXTS.map((each) =>
    field('a context', 'encryption-context-input', ({ contexts = [] }) => contexts, each),
  ),
  whole('input that is no object', (path) => path === 'input'),
  whole('unknown fields', (path) => UNKNOWN.test(path)),
  whole('wrong options', (path) => path.startsWith('options')),
];

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

const sizeMutants = SIZES.map(([what, isBad]) =>
  unchecked(
    `${what} taken`,
    'data-key-size',
    CALLS.filter(({ operation }) => /^generateDataKey(W|$)/.test(operation)),
    (_, input) => isBad(input),
  ),
);

/** Providers without one of the checks of their input. */
export const uncheckedMutants: readonly Mutant[] = [...fieldMutants, ...sizeMutants];
