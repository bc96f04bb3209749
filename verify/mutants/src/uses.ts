import {
  InvalidCiphertextError,
  InvalidInputError,
  KeyWrapError,
  type KeyWrapErrorCode,
  ProviderUnavailableError,
  parseKeyId,
} from '@keywrap/core';
import type { KeyUse } from '../../../packages/testkit/dist/key-use.js';
import { describeUse, keyUses, openingUses } from '../../../packages/testkit/dist/operations.js';
import { type Inner, type Mutant, type Operation, replaced, wrapped } from './mutant.js';
import { ReferenceDriver } from './reference-driver.js';

// Rules about keys and ciphertexts hold for every use of a key, so there is a mutant that forgets the
// rule in that one use and keeps it everywhere else.

// biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript passes has no type
export type Input = any;

export const sideOf = ({ title }: KeyUse) =>
  title.startsWith('reEncrypt to') ? 'destination' : 'source';

/** Where in the input of a use its key is named. */
export const named = (use: KeyUse, input: Input): Input =>
  use.operation === 'reEncrypt' ? input?.[sideOf(use)] : input;

/** Tells whether a call is this use and not another one of the same operation. */
export function isUse(use: KeyUse, input: Input): boolean {
  const key = named(use, input);
  const isRsa = String(key?.algorithm).startsWith('RSA') || use.operation === 'getPublicKey';
  if (isRsa !== (use.kind === 'RSA_2048')) return false;
  return (use.keyIdField === undefined) === (key?.keyId === undefined);
}

/** A provider that does one use its own way. */
export function using(
  use: KeyUse,
  name: string,
  breaks: string,
  change: (call: () => Promise<object>, input: Input, inner: Inner, options: Input) => unknown,
  make?: () => ReferenceDriver,
): Mutant {
  const operation = use.operation as Operation;
  return wrapped(
    `${use.title}: ${name}`,
    breaks,
    (inner) => ({
      [operation]: async (input, options) => {
        const call = () => inner[operation](input, options);
        return isUse(use, input) ? change(call, input, inner, options) : call();
      },
    }),
    make,
  );
}

/** Gives another error in the place of one. */
function mistaking(
  use: KeyUse,
  name: string,
  breaks: string,
  code: KeyWrapErrorCode,
  instead: (operation: string, input: Input, error: KeyWrapError) => Error,
): Mutant {
  return using(use, name, breaks, (call, input) =>
    call().catch((error: unknown) => {
      if (!(error instanceof KeyWrapError) || error.code !== code) throw error;
      throw instead(use.operation, input, error);
    }),
  );
}

const invalid = (operation: string) => new InvalidInputError('keyId', 'is wrong', { operation });

/** Uses a key in a state in which it must not, as if it were enabled. */
function anyState(use: KeyUse, state: string, breaks: string): Mutant {
  let driver: ReferenceDriver;
  const make = () => {
    driver = new ReferenceDriver();
    return driver;
  };
  const work = async (call: () => Promise<object>, input: Input) => {
    const { keyId } = named(use, input) ?? {};
    const key = keyId === undefined ? driver.madeBy(input.ciphertext) : driver.find(keyId);
    if (key?.state !== state) return call();
    key.state = 'Enabled';
    try {
      return await call();
    } finally {
      key.state = state;
    }
  };
  return using(use, `a key that is ${state} still works`, breaks, work, make);
}

const arnFields = (use: KeyUse) =>
  use.operation === 'reEncrypt' ? `${sideOf(use)}KeyId` : 'keyId';

/** Names the bare id of the key. */
const naming = (use: KeyUse) =>
  using(use, 'names the bare key id', 'key-id-forms', async (call) => {
    const result = await call();
    const field = arnFields(use);
    const parsed = parseKeyId(Reflect.get(result, field));
    return replaced(result, { [field]: 'id' in parsed ? parsed.id : parsed.alias });
  });

/** A key without key material made no ciphertext: another one's stands in, which it may reject too. */
const opensForeign = ({ kind, operation, keyIdField }: KeyUse) =>
  kind === 'SYMMETRIC_DEFAULT' && (operation === 'decrypt' || keyIdField === 'source.keyId');

const keyMutants = keyUses.flatMap((use) => {
  const isNamed = use.keyIdField !== undefined;
  return [
    anyState(use, 'Disabled', 'key-disabled'),
    anyState(use, 'PendingDeletion', 'key-pending-deletion'),
    ...(isNamed ? [naming(use)] : []),
    ...(isNamed && !opensForeign(use)
      ? [anyState(use, 'PendingImport', 'key-pending-import')]
      : []),
    ...(isNamed
      ? [
          mistaking(use, 'INVALID_INPUT for no key', 'key-not-found', 'KEY_NOT_FOUND', invalid),
          mistaking(use, 'errors without keyId', 'errors', 'KEY_NOT_FOUND', (_, __, error) =>
            Object.assign(error, { keyId: undefined }),
          ),
        ]
      : []),
    ...(isNamed && use.operation !== 'getPublicKey'
      ? [mistaking(use, 'INVALID_INPUT for the wrong use', 'key-usage', 'KEY_USAGE', invalid)]
      : []),
  ];
});

/** Opens what is nearly a ciphertext. */
function forgiving(
  use: KeyUse,
  name: string,
  isNear: (given: Buffer, made: Buffer) => boolean,
): Mutant {
  const made: Buffer[] = [];
  const recall = (ciphertext: Uint8Array) =>
    new Uint8Array(made.find((each) => isNear(Buffer.from(ciphertext), each)) ?? ciphertext);
  const operation = use.operation as Operation;
  return wrapped(`${use.title}: ${name}`, 'ciphertext-integrity', (inner) => ({
    encrypt: async (input, options) => {
      const result = await inner.encrypt(input, options);
      made.push(Buffer.from(result.ciphertext));
      return result;
    },
    [operation]: (input, options) => {
      const other = isUse(use, input) ? { ...input, ciphertext: recall(input.ciphertext) } : input;
      return inner[operation](other, options);
    },
  }));
}

const differsInABit = (given: Buffer, made: Buffer) =>
  given.length === made.length &&
  given.reduce((count, byte, i) => count + (byte === made[i] ? 0 : 1), 0) === 1;

const doesNotOpen = (operation: string) =>
  new InvalidCiphertextError('the ciphertext does not open', { operation });

/** Wrongly accepts, or rejects, ciphertexts of one length. */
const ofLength = (use: KeyUse, name: string, length: number, error: (operation: string) => Error) =>
  using(use, name, 'ciphertext-length', (call, { ciphertext }) => {
    if (ciphertext.length === length) throw error(use.operation);
    return call();
  });

const tooLong = (operation: string) =>
  new InvalidInputError('ciphertext', 'is too long', { operation });

const openingMutants = openingUses.flatMap((use) => [
  forgiving(use, 'a flipped bit mended', differsInABit),
  forgiving(
    use,
    'a missing byte forgiven',
    (given, made) =>
      given.length === made.length - 1 && given.equals(made.subarray(0, given.length)),
  ),
  forgiving(
    use,
    'a byte too many ignored',
    (given, made) => given.length === made.length + 1 && made.equals(given.subarray(0, -1)),
  ),
  mistaking(
    use,
    'UNAVAILABLE for one byte',
    'ciphertext-integrity',
    'INVALID_CIPHERTEXT',
    (operation, { ciphertext }, error) =>
      ciphertext.length === 1 ? new ProviderUnavailableError('it failed', { operation }) : error,
  ),
  mistaking(
    use,
    'the damage named',
    'damage-indistinguishable',
    'INVALID_CIPHERTEXT',
    (operation, { ciphertext }, error) =>
      ciphertext.length < 40
        ? new InvalidCiphertextError('the ciphertext is too short', { operation })
        : error,
  ),
  ...(use.kind === 'SYMMETRIC_DEFAULT'
    ? [
        mistaking(
          use,
          'a cause for some damage',
          'damage-indistinguishable',
          'INVALID_CIPHERTEXT',
          (_, { ciphertext }, error) =>
            (ciphertext.at(-20) ?? 0) % 2 === 0
              ? error
              : Object.assign(error, { cause: new Error('bad padding') }),
        ),
      ]
    : []),
  ofLength(use, '6145 bytes tried', 6145, doesNotOpen),
  ofLength(use, 'no bytes at all tried', 0, doesNotOpen),
  ofLength(use, '6144 bytes rejected', 6144, tooLong),
]);

export const useMutants: readonly Mutant[] = [
  ...keyMutants,
  naming(describeUse),
  ...openingMutants,
];
