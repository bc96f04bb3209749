import {
  type DataKeyPairSpec,
  formatAliasArn,
  type KeyWrapErrorCode,
  type KeyWrapProvider,
  parseKeyId,
} from '@keywrap/core';
import type { ErrorDetails } from './expect.js';
import type { KeyRing, SealedKey } from './key-ring.js';
import {
  arnIn,
  bareId,
  type CallContext,
  type Fields,
  invoke,
  type KeyUse,
  type Kind,
  sealedIn,
  type UsedKey,
} from './key-use.js';
import { type Need, RSA, SYMMETRIC, whyUnmet } from './needs.js';

/** A key in an input: an RSA key with its algorithm, a symmetric key with its context. */
function named({ keys }: CallContext, kind: Kind, { keyId, encryptionContext }: UsedKey): Fields {
  if (kind === 'RSA_2048') return { keyId, algorithm: keys.rsaAlgorithm };
  return { keyId, ...(encryptionContext && { encryptionContext }) };
}

function unnamed({ keyId: _, ...fields }: Fields): Fields {
  return fields;
}

type Row = Omit<KeyUse, 'call' | 'needs'> & { readonly more?: readonly Need[] };

function use({ more = [], ...row }: Row): KeyUse {
  return {
    ...row,
    needs: [...needsOf(row.kind), ...more],
    async call(context, key, options) {
      const input = await row.input(context, key);
      return arnIn(await invoke(context.provider, row, input, options), row);
    },
  };
}

/** Returns the needs of encryption under a kind of key. */
export const needsOf = (kind: Kind) => (kind === 'RSA_2048' ? RSA : SYMMETRIC);

function encrypt(number: string, title: string, kind: Kind): KeyUse {
  return use({
    ...{ number, title, operation: 'encrypt', kind, keyIdField: 'keyId', returns: ['ciphertext'] },
    input: async (context, key) => ({
      ...named(context, kind, key),
      plaintext: key.plaintext ?? context.secret(),
    }),
  });
}

function decrypt(number: string, title: string, kind: Kind, isNamed = true): KeyUse {
  return use({
    ...{ number, title, kind, returns: ['plaintext'] },
    operation: kind === 'RSA_2048' ? 'decryptAsymmetric' : 'decrypt',
    keyIdField: isNamed ? 'keyId' : undefined,
    more: isNamed ? [] : ['keyIdFromCiphertext'],
    async input(context, key) {
      const fields = named(context, kind, key);
      return { ...(isNamed ? fields : unnamed(fields)), ciphertext: key.ciphertext };
    },
  });
}

/** Makes a use with the key on one side, and another key on the other side. */
function reEncrypt(
  number: string,
  title: string,
  keyIdField: KeyUse['keyIdField'],
  [from, to]: readonly [Kind, Kind],
): KeyUse {
  const isDestination = keyIdField === 'destination.keyId';
  const kind = isDestination ? to : from;
  const others = from === to ? [] : isDestination ? needsOf(from) : needsOf(to);
  return use({
    ...{ number, title, operation: 'reEncrypt', kind, keyIdField, returns: ['ciphertext'] },
    more: keyIdField === undefined ? ['keyIdFromCiphertext', ...others] : others,
    async input(context, key, other) {
      const { keys } = context;
      const source = isDestination ? (other ?? (await keys.sealed(from))) : key;
      const destination = isDestination ? key : (other ?? { keyId: await keys.get(to) });
      const fields = named(context, from, source);
      return {
        ciphertext: source.ciphertext,
        ...(keyIdField !== undefined && { source: fields }),
        ...(keyIdField === undefined &&
          'encryptionContext' in fields && { source: unnamed(fields) }),
        destination: named(context, to, destination),
      };
    },
  });
}

function generate(
  number: string,
  operation: KeyUse['operation'],
  need: 'dataKeys' | 'dataKeyPairs',
  returns: KeyUse['returns'],
): KeyUse {
  return use({
    ...{ number, title: operation, operation, returns },
    ...{ kind: 'SYMMETRIC_DEFAULT', keyIdField: 'keyId' },
    more: [need, 'dataKeysUnder:SYMMETRIC_DEFAULT'],
    input: async (context, key) => ({
      ...named(context, 'SYMMETRIC_DEFAULT', key),
      ...(need === 'dataKeys'
        ? { keySpec: 'AES_256' }
        : { keyPairSpec: quickestPair(context.provider) }),
    }),
  });
}

function tell(
  number: string,
  operation: 'getPublicKey' | 'describeKey',
  kind: Kind,
  returns: KeyUse['returns'],
): KeyUse {
  return use({
    ...{ number, title: operation, operation, kind, keyIdField: 'keyId', returns },
    input: async (_, { keyId }) => ({ keyId }),
  });
}

const BOTH_SYMMETRIC = ['SYMMETRIC_DEFAULT', 'SYMMETRIC_DEFAULT'] as const;
const BOTH_RSA = ['RSA_2048', 'RSA_2048'] as const;
const PAIR = ['publicKey', 'privateKeyCiphertext'] as const;

/** Every use of a symmetric key and of an RSA key, except `describeKey`, which works in any state. */
export const keyUses: readonly KeyUse[] = [
  encrypt('01', 'encrypt', 'SYMMETRIC_DEFAULT'),
  encrypt('02', 'encrypt with RSA', 'RSA_2048'),
  decrypt('03', 'decrypt with a keyId', 'SYMMETRIC_DEFAULT'),
  decrypt('04', 'decrypt without a keyId', 'SYMMETRIC_DEFAULT', false),
  decrypt('05', 'decryptAsymmetric', 'RSA_2048'),
  reEncrypt('06', 'reEncrypt from a symmetric key that is named', 'source.keyId', BOTH_SYMMETRIC),
  reEncrypt(
    '07',
    'reEncrypt from a symmetric key that the ciphertext names',
    undefined,
    BOTH_SYMMETRIC,
  ),
  reEncrypt('08', 'reEncrypt from an RSA key', 'source.keyId', BOTH_RSA),
  reEncrypt('09', 'reEncrypt to a symmetric key', 'destination.keyId', BOTH_SYMMETRIC),
  reEncrypt('10', 'reEncrypt to an RSA key', 'destination.keyId', BOTH_RSA),
  generate('11', 'generateDataKey', 'dataKeys', ['plaintext', 'ciphertext']),
  generate('12', 'generateDataKeyWithoutPlaintext', 'dataKeys', ['ciphertext']),
  generate('13', 'generateDataKeyPair', 'dataKeyPairs', ['privateKey', ...PAIR]),
  generate('14', 'generateDataKeyPairWithoutPlaintext', 'dataKeyPairs', PAIR),
  tell('15', 'getPublicKey', 'RSA_2048', ['publicKey']),
];

/** The only call that needs no usable key and no algorithm. */
export const describeUse: KeyUse = {
  ...tell('16', 'describeKey', 'SYMMETRIC_DEFAULT', []),
  needs: ['key:SYMMETRIC_DEFAULT'],
};

/** Every call of a provider except `close`. */
export const allUses: readonly KeyUse[] = [...keyUses, describeUse];

/** Returns those of these uses whose needs the provider and the harness meet. */
export async function usesFor(
  { provider, keys }: Pick<CallContext, 'provider' | 'keys'>,
  uses: readonly KeyUse[] = allUses,
): Promise<readonly KeyUse[]> {
  const fitting: KeyUse[] = [];
  for (const use of uses) {
    const reasons = await Promise.all(use.needs.map((need) => whyUnmet(need, { provider }, keys)));
    if (reasons.every((reason) => reason === undefined)) fitting.push(use);
  }
  return fitting;
}

/** The uses that decrypt a ciphertext. */
export const openingUses = keyUses.filter(
  ({ operation, keyIdField }) =>
    operation.startsWith('decrypt') ||
    (operation === 'reEncrypt' && keyIdField !== 'destination.keyId'),
);

/** `reEncrypt` from a symmetric key to an RSA key. */
export const toRsa = reEncrypt('', 'reEncrypt to an RSA key', 'source.keyId', [
  'SYMMETRIC_DEFAULT',
  'RSA_2048',
]);
const fromRsa = reEncrypt('', 'reEncrypt from an RSA key', 'destination.keyId', [
  'RSA_2048',
  'SYMMETRIC_DEFAULT',
]);

/**
 * Every call except `encrypt` that encrypts with a symmetric key: a backend may do these inside, so the rules for
 * `encrypt` are checked with them too. The numbers are those in the ids of their cases.
 */
export const sealingUses: readonly KeyUse[] = [
  ...['11', '12', '13', '14', '09'].map(useNumbered),
  fromRsa,
].map((each, i) => ({ ...each, number: `${i + 3}` }));

/** Makes a ciphertext with one of these. */
export async function sealBy(
  sealing: KeyUse,
  context: CallContext,
  key: UsedKey,
): Promise<Uint8Array> {
  return sealedIn(await invoke(context.provider, sealing, await sealing.input(context, key)));
}

/** Returns the use with this number. */
export function useNumbered(number: string): KeyUse {
  return keyUses.find((each) => each.number === number) as KeyUse;
}

/** Returns the kind of pair that is generated fastest: elliptic curves need no search for primes. */
export function quickestPair({ capabilities }: KeyWrapProvider): DataKeyPairSpec {
  const specs = capabilities.dataKeyPairSpecs;
  const [first] = specs;
  if (first === undefined) throw new Error('the provider declares no kind of data key pair');
  return specs.find((spec) => spec.startsWith('ECC_')) ?? first;
}

/** Returns the expected details of an error about this key. An error of `reEncrypt` may name either key. */
export function errorDetails({ operation, keyIdField }: KeyUse, keyId: string): ErrorDetails {
  return { operation, keyId: keyIdField === 'keyId' ? [keyId] : undefined };
}

/**
 * Returns the errors that a damaged ciphertext may have. Where it alone names its key, a damaged name may be that of
 * a key which does not exist.
 */
export function damageCodes({ keyIdField }: KeyUse): readonly KeyWrapErrorCode[] {
  return ['INVALID_CIPHERTEXT', ...(keyIdField === undefined ? (['ACCESS_DENIED'] as const) : [])];
}

/** Returns a shared key for a use, with a ciphertext; each `index` is another key. */
export function keyFor(use: KeyUse, keys: KeyRing, index = 0): Promise<SealedKey> {
  return use === describeUse
    ? keys.get(use.kind, index).then((keyId) => ({ keyId, ciphertext: new Uint8Array(1) }))
    : keys.sealed(use.kind, index);
}

/** Returns a new name for an alias: a backend may have those of an earlier run. */
export function newAlias(): string {
  return `alias/keywrap-${crypto.randomUUID()}`;
}

/** Returns every name of a key, with a new alias if the harness makes some. */
export async function namesOf(
  { keys }: Pick<CallContext, 'keys'>,
  keyId: string,
): Promise<string[]> {
  const parsed = parseKeyId(keyId);
  if (parsed.kind !== 'key-arn') return [keyId];
  if (!keys.can('alias')) return [keyId, bareId(keyId)];
  const alias = newAlias();
  await keys.alias(alias, keyId);
  return [keyId, bareId(keyId), alias, formatAliasArn(alias, parsed)];
}
