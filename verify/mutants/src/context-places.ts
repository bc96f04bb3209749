import type { EncryptionContext } from '@keywrap/core';
import { type Mutant, type Operation, wrapped } from './mutant.js';

// Every place where a call takes an encryption context may parse it differently, so there is a
// mutant for each of them.

// biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript passes has no type
type Input = any;

interface Place {
  readonly title: string;
  readonly operation: Operation;
  readonly side?: 'source' | 'destination';
  readonly isIt?: (input: Input) => boolean;
}

const isRsa = (key: Input): boolean => key?.algorithm?.startsWith?.('RSA') ?? false;

const PLACES: readonly Place[] = [
  { title: 'encrypt', operation: 'encrypt' },
  {
    title: 'decrypt with a keyId',
    operation: 'decrypt',
    isIt: ({ keyId }) => keyId !== undefined,
  },
  {
    title: 'decrypt without a keyId',
    operation: 'decrypt',
    isIt: ({ keyId }) => keyId === undefined,
  },
  { title: 'generateDataKey', operation: 'generateDataKey' },
  { title: 'generateDataKeyWithoutPlaintext', operation: 'generateDataKeyWithoutPlaintext' },
  { title: 'generateDataKeyPair', operation: 'generateDataKeyPair' },
  {
    title: 'generateDataKeyPairWithoutPlaintext',
    operation: 'generateDataKeyPairWithoutPlaintext',
  },
  {
    title: 'reEncrypt from a key that is named',
    operation: 'reEncrypt',
    side: 'source',
    isIt: ({ source, destination }) => source?.keyId !== undefined && !isRsa(destination),
  },
  {
    title: 'reEncrypt from the key that the ciphertext names',
    operation: 'reEncrypt',
    side: 'source',
    isIt: ({ source }) => source?.keyId === undefined,
  },
  {
    title: 'reEncrypt to an RSA key',
    operation: 'reEncrypt',
    side: 'source',
    isIt: ({ destination }) => isRsa(destination),
  },
  {
    title: 'reEncrypt to a symmetric key',
    operation: 'reEncrypt',
    side: 'destination',
    isIt: ({ source, destination }) => !isRsa(source) && !isRsa(destination),
  },
  {
    title: 'reEncrypt from an RSA key',
    operation: 'reEncrypt',
    side: 'destination',
    isIt: ({ source, destination }) => isRsa(source) && !isRsa(destination),
  },
];

/** Makes something else of every text in a context. */
const texts =
  (change: (text: string) => string) =>
  (context: EncryptionContext | undefined): EncryptionContext | undefined =>
    context &&
    Object.fromEntries(Object.entries(context).map((pair) => pair.map(change) as [string, string]));

const CHANGES: readonly [
  string,
  (context: EncryptionContext | undefined) => EncryptionContext | undefined,
][] = [
  ['normalises its context', texts((text) => text.normalize('NFC'))],
  ['writes its context in lower case', texts((text) => text.toLowerCase())],
  ['trims its context', texts((text) => text.trim())],
  [
    'leaves pairs with an empty value out',
    (context) =>
      context && Object.fromEntries(Object.entries(context).filter(([, value]) => value)),
  ],
  ['tells no context from an empty one', (context) => context ?? { none: 'given' }],
  [
    'tells an empty context from none',
    (context) => (context && Object.keys(context).length === 0 ? { none: 'in it' } : context),
  ],
];

/** One place alone reads contexts its own way; the call is as good as any other. */
function reading(
  { title, operation, side, isIt = () => true }: Place,
  [what, change]: (typeof CHANGES)[number],
): Mutant {
  return wrapped(`${title} ${what}`, 'encryption-context', (inner) => ({
    [operation]: (input, options) => {
      const key = side === undefined ? input : input[side];
      if (!isIt(input) || isRsa(key)) return inner[operation](input, options);
      const other = { ...key, encryptionContext: change(key?.encryptionContext) };
      return inner[operation](side === undefined ? other : { ...input, [side]: other }, options);
    },
  }));
}

export const contextPlaceMutants: readonly Mutant[] = PLACES.flatMap((place) =>
  CHANGES.map((change) => reading(place, change)),
);
