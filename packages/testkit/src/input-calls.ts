import type { KeyWrapProvider } from '@keywrap/core';
import type { BadValue } from './bad-values.js';
import type { CaseContext } from './case.js';
import { expectError, Mismatch } from './expect.js';
import { quickestPair } from './key-uses.js';
import type { Need } from './needs.js';

type Fields = Record<string, unknown>;

/** An operation with valid input, and what kind of thing its fields are. */
export interface Call {
  readonly number: string;
  readonly operation: keyof KeyWrapProvider & string;
  readonly needs: readonly Need[];
  readonly input: (context: CaseContext) => Promise<Fields>;
  readonly bytes: readonly string[];
  readonly requiredKeyIds: readonly string[];
  readonly optionalKeyIds?: readonly string[];
  readonly algorithms?: readonly string[];
  readonly contexts?: readonly string[];
}

const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;

const dataKey = {
  input: async ({ keys }: CaseContext): Promise<Fields> => ({
    keyId: await keys.get(),
    keySpec: 'AES_256',
  }),
  needs: [...symmetric, 'dataKeys'] as const,
  bytes: [],
  requiredKeyIds: ['keyId'],
  contexts: ['encryptionContext'],
};

const pair = {
  input: async ({ provider, keys }: CaseContext): Promise<Fields> => ({
    keyId: await keys.get(),
    keyPairSpec: quickestPair(provider),
  }),
  needs: [...symmetric, 'dataKeyPairs'] as const,
  bytes: [],
  requiredKeyIds: ['keyId'],
  contexts: ['encryptionContext'],
};

export const CALLS: readonly Call[] = [
  {
    number: '01',
    operation: 'encrypt',
    needs: symmetric,
    input: async ({ keys, secret }) => ({ keyId: await keys.get(), plaintext: secret() }),
    bytes: ['plaintext'],
    requiredKeyIds: ['keyId'],
    algorithms: ['algorithm'],
    contexts: ['encryptionContext'],
  },
  {
    number: '02',
    operation: 'decrypt',
    needs: symmetric,
    input: async ({ keys }) => ({ ...(await keys.sealed('SYMMETRIC_DEFAULT')) }),
    bytes: ['ciphertext'],
    requiredKeyIds: [],
    optionalKeyIds: ['keyId'],
    algorithms: ['algorithm'],
    contexts: ['encryptionContext'],
  },
  {
    number: '03',
    operation: 'decryptAsymmetric',
    needs: ['asymmetric', 'key:RSA_2048'],
    input: async ({ keys }) => ({
      ...(await keys.sealed('RSA_2048')),
      algorithm: keys.rsaAlgorithm,
    }),
    bytes: ['ciphertext'],
    requiredKeyIds: ['keyId'],
    algorithms: ['algorithm'],
  },
  {
    number: '04',
    operation: 'reEncrypt',
    needs: symmetric,
    input: async ({ keys }) => {
      const { keyId, ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
      return { ciphertext, source: { keyId }, destination: { keyId } };
    },
    bytes: ['ciphertext'],
    requiredKeyIds: ['destination.keyId'],
    optionalKeyIds: ['source.keyId'],
    algorithms: ['source.algorithm', 'destination.algorithm'],
    contexts: ['source.encryptionContext', 'destination.encryptionContext'],
  },
  { number: '05', operation: 'generateDataKey', ...dataKey },
  { number: '06', operation: 'generateDataKeyWithoutPlaintext', ...dataKey },
  { number: '07', operation: 'generateDataKeyPair', ...pair },
  { number: '08', operation: 'generateDataKeyPairWithoutPlaintext', ...pair },
  {
    number: '09',
    operation: 'getPublicKey',
    needs: ['asymmetric', 'key:RSA_2048'],
    input: async ({ keys }) => ({ keyId: await keys.get('RSA_2048') }),
    bytes: [],
    requiredKeyIds: ['keyId'],
  },
  {
    number: '10',
    operation: 'describeKey',
    needs: ['key:SYMMETRIC_DEFAULT'],
    input: async ({ keys }) => ({ keyId: await keys.get() }),
    bytes: [],
    requiredKeyIds: ['keyId'],
  },
];

export function invoke(
  provider: KeyWrapProvider,
  { operation }: Call,
  input: unknown,
  options?: unknown,
): Promise<unknown> {
  const method = provider[operation as 'encrypt'] as (
    input: unknown,
    options?: unknown,
  ) => Promise<unknown>;
  return method.call(provider, input, options);
}

/** The input with another value at a path such as `source.keyId`. */
export function withValue(input: Fields, path: string, value: unknown): Fields {
  const [name = '', inner] = path.split('.');
  if (inner === undefined) return { ...input, [name]: value };
  return { ...input, [name]: { ...(input[name] as Fields), [inner]: value } };
}

/** Tries every bad value in one field: all must be refused, with the name of that field. */
export async function expectRefused(
  call: Call,
  context: CaseContext,
  path: string,
  values: readonly BadValue[],
  field: string | readonly string[] = path,
): Promise<void> {
  const input = await call.input(context);
  for (const [what, value] of values) {
    const refused = invoke(context.provider, call, withValue(input, path, value));
    await expectInvalid(refused, call.operation, field, `${path}: ${what}`);
  }
}

export async function expectInvalid(
  refused: Promise<unknown>,
  operation: string,
  field: string | readonly string[],
  what: string,
): Promise<void> {
  try {
    await expectError(refused, 'INVALID_INPUT', { operation, field });
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    throw new Mismatch(`for ${what}: ${error.expected}`, error.actual);
  }
}

export const letters = (path: string) => (path.startsWith('source.') ? 'S' : 'D');

/** The call of this operation. */
export function callOf(operation: Call['operation']): Call {
  return CALLS.find((call) => call.operation === operation) as Call;
}
