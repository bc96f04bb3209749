import type { BadValue } from './bad-values.js';
import type { CaseContext } from './case.js';
import { expectError, Mismatch } from './expect.js';
import { type Fields, invoke, type KeyUse } from './key-use.js';
import { allUses, keyFor } from './operations.js';

/** The paths of the fields in the input of an operation, by type. */
interface Paths {
  readonly bytes: readonly string[];
  readonly requiredKeyIds: readonly string[];
  readonly optionalKeyIds?: readonly string[];
  readonly algorithms?: readonly string[];
  readonly contexts?: readonly string[];
}

/** An operation with valid input, and the types of its fields. */
export interface Call extends Paths {
  /** The stable number in the ids of the cases. */
  readonly number: string;
  readonly operation: KeyUse['operation'];
  readonly needs: KeyUse['needs'];
  readonly input: (context: CaseContext) => Promise<Fields>;
}

const key: Paths = { bytes: [], requiredKeyIds: ['keyId'] };
const bound: Paths = { ...key, contexts: ['encryptionContext'] };

const PATHS: Readonly<Record<KeyUse['operation'], Paths>> = {
  encrypt: { ...bound, bytes: ['plaintext'], algorithms: ['algorithm'] },
  decrypt: {
    ...{ ...bound, bytes: ['ciphertext'], algorithms: ['algorithm'] },
    ...{ requiredKeyIds: [], optionalKeyIds: ['keyId'] },
  },
  decryptAsymmetric: { ...key, bytes: ['ciphertext'], algorithms: ['algorithm'] },
  reEncrypt: {
    bytes: ['ciphertext'],
    requiredKeyIds: ['destination.keyId'],
    optionalKeyIds: ['source.keyId'],
    algorithms: ['source.algorithm', 'destination.algorithm'],
    contexts: ['source.encryptionContext', 'destination.encryptionContext'],
  },
  generateDataKey: bound,
  generateDataKeyWithoutPlaintext: bound,
  generateDataKeyPair: bound,
  generateDataKeyPairWithoutPlaintext: bound,
  getPublicKey: key,
  describeKey: key,
};

/** Every operation once, by its first use. */
export const CALLS: readonly Call[] = Object.entries(PATHS).map(([operation, paths], i) => {
  const use = allUses.find((each) => each.operation === operation) as KeyUse;
  return {
    ...paths,
    number: `${i + 1}`.padStart(2, '0'),
    operation: use.operation,
    needs: use.needs,
    input: async (context) => use.input(context, await keyFor(use, context.keys)),
  };
});

/** Returns the input with another value at a path such as `source.keyId`. */
export function withValue(input: Fields, path: string, value: unknown): Fields {
  const [name = '', inner] = path.split('.');
  if (inner === undefined) return { ...input, [name]: value };
  return { ...input, [name]: { ...(input[name] as Fields), [inner]: value } };
}

/** Tries every bad value in one field: each must be rejected with the name of that field. */
export async function expectRefused(
  call: Call,
  context: CaseContext,
  path: string,
  values: readonly BadValue[],
  field: string | readonly string[] = path,
): Promise<void> {
  const input = await call.input(context);
  for (const [what, value] of values) {
    const rejected = invoke(context.provider, call, withValue(input, path, value));
    await expectInvalid(rejected, call.operation, field, `${path}: ${what}`);
  }
}

export async function expectInvalid(
  rejected: Promise<unknown>,
  operation: string,
  field: string | readonly string[],
  what: string,
): Promise<void> {
  try {
    await expectError(rejected, 'INVALID_INPUT', { operation, field });
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    throw new Mismatch(`for ${what}: ${error.expected}`, error.actual, error.cause);
  }
}

export const letters = (path: string) => (path.startsWith('source.') ? 'S' : 'D');

/** Returns the call of this operation. */
export function callOf(operation: Call['operation']): Call {
  return CALLS.find((call) => call.operation === operation) as Call;
}
