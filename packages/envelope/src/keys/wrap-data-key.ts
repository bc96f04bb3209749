import {
  type CallOptions,
  type EncryptionAlgorithm,
  type EncryptionContext,
  type KeyWrapProvider,
  newSecret,
  ownField,
  sealWithPublicKey,
  wipe,
} from '@keywrap/core';
import type { EncryptedDataKey } from '../format/header.js';
import { encodeUtf8 } from '../text/utf8.js';
import { wrapUnlessKnown } from './wrapped-before.js';
import type { ReadProviderKey, ReadWrappingKey } from './wrapping-key.js';

/** The data key of a message, in plaintext and wrapped under each key. */
export interface WrappedDataKeys {
  /** The caller wipes it. */
  readonly plaintext: Uint8Array;
  readonly wrapped: readonly EncryptedDataKey[];
}

/**
 * Makes a data key under the first key, and wraps it under the others. All have to succeed: a message that one of
 * its keys can't open is found too late
 * ([Multi-Keyring](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/multi-keyring.md#onencrypt)).
 *
 * @param keys At least one.
 * @param encryptionContext All pairs of the message.
 * @param keyLength In bytes: 16, 24 or 32.
 */
export async function makeDataKey(
  keys: readonly ReadWrappingKey[],
  encryptionContext: EncryptionContext,
  options: CallOptions,
  keyLength = 32,
): Promise<WrappedDataKeys> {
  const [first, ...others] = keys as [ReadWrappingKey, ...ReadWrappingKey[]];
  if (first.provider === undefined || !first.provider.capabilities.dataKeys) {
    const plaintext = crypto.getRandomValues(newSecret(keyLength));
    return wrapDataKey(plaintext, keys, encryptionContext, options);
  }
  const { provider } = first;
  const context = contextFor(provider, encryptionContext);
  const { keyId, ciphertext, plaintext } = await provider.generateDataKey(
    {
      keyId: first.keyId,
      ...(keyLength === 32 ? { keySpec: 'AES_256' } : { numberOfBytes: keyLength }),
      encryptionContext: context,
    },
    options,
  );
  const own = { providerId: provider.id, providerInfo: encodeUtf8(keyId), ciphertext };
  if (others.length === 0) return { plaintext, wrapped: [own] };
  const wrapOthers = () => wrapUnderAll(plaintext, others, encryptionContext, options);
  const wrapping = wrapUnlessKnown(plaintext, others, encryptionContext, wrapOthers);
  return withPlaintext(
    plaintext,
    wrapping.then((more) => [own, ...more]),
  );
}

/** Wraps a data key that is there already. Owns the plaintext until it returns it. */
export function wrapDataKey(
  plaintext: Uint8Array,
  keys: readonly ReadWrappingKey[],
  encryptionContext: EncryptionContext,
  options: CallOptions,
): Promise<WrappedDataKeys> {
  return withPlaintext(plaintext, wrapUnderAll(plaintext, keys, encryptionContext, options));
}

/** Wipes the plaintext if it could not be wrapped. */
async function withPlaintext(
  plaintext: Uint8Array,
  wrapping: Promise<readonly EncryptedDataKey[]>,
): Promise<WrappedDataKeys> {
  try {
    return { plaintext, wrapped: await wrapping };
  } catch (error) {
    wipe(plaintext);
    throw error;
  }
}

/** Wraps under all keys at once. */
function wrapUnderAll(
  plaintext: Uint8Array,
  keys: readonly ReadWrappingKey[],
  encryptionContext: EncryptionContext,
  options: CallOptions,
): Promise<EncryptedDataKey[]> {
  return Promise.all(keys.map((key) => wrapUnder(key, plaintext, encryptionContext, options)));
}

async function wrapUnder(
  key: ReadWrappingKey,
  plaintext: Uint8Array,
  encryptionContext: EncryptionContext,
  options: CallOptions,
): Promise<EncryptedDataKey> {
  if (key.provider === undefined) {
    const { publicKey, namespace, name, algorithm } = key;
    const ciphertext = await sealWithPublicKey(publicKey, plaintext, algorithm);
    return { providerId: namespace, providerInfo: encodeUtf8(name), ciphertext };
  }
  const { ciphertext, keyId } = await encrypt(key, plaintext, encryptionContext, options);
  return { providerId: key.provider.id, providerInfo: encodeUtf8(keyId), ciphertext };
}

function encrypt(
  { provider, keyId }: ReadProviderKey,
  plaintext: Uint8Array,
  encryptionContext: EncryptionContext,
  options: CallOptions,
) {
  const algorithm = dataKeyAlgorithmOf(provider);
  if (algorithm !== 'SYMMETRIC_DEFAULT') {
    return provider.encrypt({ keyId, plaintext, algorithm }, options);
  }
  return provider.encrypt(
    { keyId, plaintext, encryptionContext: contextFor(provider, encryptionContext) },
    options,
  );
}

/**
 * The context that a provider binds. One that can't bind any gets none, as RSA does: the header of the message binds
 * its context to the data key in any case.
 */
export function contextFor(
  provider: KeyWrapProvider,
  encryptionContext: EncryptionContext,
): EncryptionContext | undefined {
  const isSymmetric = dataKeyAlgorithmOf(provider) === 'SYMMETRIC_DEFAULT';
  return provider.capabilities.encryptionContext && isSymmetric ? encryptionContext : undefined;
}

/** The algorithm that a provider wraps data keys with. */
export function dataKeyAlgorithmOf({ capabilities }: KeyWrapProvider): EncryptionAlgorithm {
  return ownField(capabilities, 'dataKeyAlgorithm') ?? 'SYMMETRIC_DEFAULT';
}
