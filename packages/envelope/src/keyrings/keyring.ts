import {
  InvalidInputError,
  type KeyWrapProvider,
  NO_OPTIONS,
  readFields,
  readSafely,
  wipe,
} from '@keywrap/core';
import { unwrapDataKey } from '../keys/unwrap-data-key.js';
import { makeDataKey, wrapDataKey } from '../keys/wrap-data-key.js';
import {
  type ReadTrustedKey,
  type ReadWrappingKey,
  readTrustedKey,
  readWrappingKey,
  type TrustedKey,
  type WrappingKey,
} from '../keys/wrapping-key.js';
import { readList } from '../seal-options.js';
import { decodeUtf8, encodeUtf8 } from '../text/utf8.js';

/** The keys of a keyring. */
export interface KeyWrapKeyringOptions {
  /** Key id, key ARN, alias name or alias ARN of the key of the provider that makes data keys. */
  readonly keyId: string;
  /** Other keys that data keys are wrapped under too, of any provider. */
  readonly otherKeys?: readonly WrappingKey[] | undefined;
  /** The keys that unwrap data keys. By default `keyId` and those of `otherKeys` that are of a provider. */
  readonly trustedKeys?: readonly TrustedKey[] | undefined;
}

/** The checked options. */
export interface ReadKeyring {
  readonly keys: readonly ReadWrappingKey[];
  readonly trustedKeys: readonly ReadTrustedKey[];
}

/** @throws InvalidInputError */
export function readKeyring(provider: KeyWrapProvider, options: unknown): ReadKeyring {
  return readSafely('new KeyWrapKeyring', 'options', () => {
    const fields = readFields(options, 'options', ['keyId', 'otherKeys', 'trustedKeys']);
    const first = readWrappingKey({ keyId: fields.keyId }, 'options', provider);
    const others = readList(fields.otherKeys ?? [], 'otherKeys', 2 ** 16 - 2).map((key, i) =>
      readWrappingKey(key, `otherKeys.${i}`, provider),
    );
    const keys = [first, ...others];
    const given = fields.trustedKeys ?? keys.filter(({ provider }) => provider !== undefined);
    const trustedKeys = readList(given, 'trustedKeys', 1000).map((key, i) =>
      readTrustedKey(key, `trustedKeys.${i}`, provider),
    );
    if (trustedKeys.length === 0) throw new InvalidInputError('trustedKeys', 'must not be empty');
    return { keys, trustedKeys };
  });
}

/** What both clients' libraries have in common. */
interface Library<EncryptedDataKey> {
  readonly EncryptedDataKey: new (fields: {
    readonly providerId: string;
    readonly providerInfo: string;
    readonly encryptedDataKey: Uint8Array;
  }) => EncryptedDataKey;
}

/** The materials of a message that both clients have in common. */
interface Material {
  readonly suite: { readonly keyLengthBytes: number };
  readonly encryptionContext: Readonly<Record<string, string>>;
  setUnencryptedDataKey(dataKey: Uint8Array, trace: Trace): unknown;
}

interface EncryptionMaterial<EncryptedDataKey> extends Material {
  readonly hasUnencryptedDataKey: boolean;
  addEncryptedDataKey(dataKey: EncryptedDataKey, flags: number): unknown;
}

interface Trace {
  readonly keyNamespace: string;
  readonly keyName: string;
  flags: number;
}

// `KeyringTraceFlag`: what a key of the keyring did.
const GENERATED = 1;
const ENCRYPTED = 2;
const DECRYPTED = 4;
const SIGNED_CONTEXT = 8;
const VERIFIED_CONTEXT = 16;

/**
 * Makes the data key, or takes the one that another keyring made, and wraps it
 * ([OnEncrypt](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/keyring-interface.md#onencrypt)).
 *
 * @param existing A copy of the data key that another keyring made, which is wiped.
 */
export async function encryptDataKey<EncryptedDataKey>(
  { keys }: ReadKeyring,
  material: EncryptionMaterial<EncryptedDataKey>,
  existing: Uint8Array | undefined,
  library: Library<EncryptedDataKey>,
): Promise<void> {
  const context = { ...material.encryptionContext };
  const { plaintext, wrapped } =
    existing === undefined
      ? await makeDataKey(keys, context, NO_OPTIONS, material.suite.keyLengthBytes)
      : await wrapDataKey(existing, keys, context, NO_OPTIONS);
  const added = wrapped.map(({ providerId, providerInfo, ciphertext }) => ({
    providerId,
    providerInfo: decodeUtf8(providerInfo),
    encryptedDataKey: ciphertext,
  }));
  if (existing === undefined) {
    const [{ providerId = '', providerInfo = '' } = {}] = added;
    const trace = { keyNamespace: providerId, keyName: providerInfo, flags: GENERATED };
    // The material owns what it is given.
    material.setUnencryptedDataKey(plaintext.slice(), trace);
  }
  wipe(plaintext);
  for (const dataKey of added) {
    const flags = ENCRYPTED | SIGNED_CONTEXT;
    material.addEncryptedDataKey(new library.EncryptedDataKey(dataKey), flags);
  }
}

/**
 * Unwraps the data key with the first trusted key that can
 * ([OnDecrypt](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/keyring-interface.md#ondecrypt)).
 *
 * @throws as `open` does when no key opens a message.
 */
export async function decryptDataKey(
  { trustedKeys }: ReadKeyring,
  material: Material,
  encryptedDataKeys: readonly {
    readonly providerId: string;
    readonly providerInfo: string;
    readonly encryptedDataKey: Uint8Array;
  }[],
): Promise<void> {
  const dataKeys = encryptedDataKeys.map(({ providerId, providerInfo, encryptedDataKey }) => ({
    providerId,
    providerInfo: encodeUtf8(providerInfo),
    ciphertext: encryptedDataKey,
  }));
  const context = { ...material.encryptionContext };
  const length = material.suite.keyLengthBytes;
  using opened = await unwrapDataKey(dataKeys, trustedKeys, context, length, NO_OPTIONS);
  const used = encryptedDataKeys.find(({ providerInfo }) => providerInfo === opened.keyId);
  const keyNamespace = used?.providerId ?? 'keywrap';
  const trace = { keyNamespace, keyName: opened.keyId, flags: DECRYPTED | VERIFIED_CONTEXT };
  material.setUnencryptedDataKey(opened.plaintext.slice(), trace);
}
