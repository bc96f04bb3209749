import {
  type CallOptions,
  type EncryptionContext,
  type KeyWrapProvider,
  newSecret,
  sealWithPublicKey,
  wipe,
} from '@keywrap/core';
import type { EncryptedDataKey } from '../format/header.js';
import type { ReadProviderKey, readWrappingKey } from './wrapping-key.js';

type ReadWrappingKey = ReturnType<typeof readWrappingKey>;

/** The data key of a message, in plaintext and wrapped under each key. */
export interface WrappedDataKeys {
  /** 32 bytes; the caller wipes it. */
  readonly plaintext: Uint8Array;
  readonly wrapped: readonly EncryptedDataKey[];
}

const DATA_KEY_LENGTH = 32;
const utf8 = new TextEncoder();

/**
 * Makes a data key under the first key, and wraps it under the others. All have to succeed: a message that one of its
 * keys can't open is found too late
 * ([Multi-Keyring](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/multi-keyring.md#onencrypt)).
 *
 * @param keys At least one.
 * @param encryptionContext All pairs of the message.
 */
export async function makeDataKey(
  keys: readonly ReadWrappingKey[],
  encryptionContext: EncryptionContext,
  options: CallOptions,
): Promise<WrappedDataKeys> {
  const [first, ...others] = keys as [ReadWrappingKey, ...ReadWrappingKey[]];
  if (!('provider' in first) || !first.provider.capabilities.dataKeys) {
    const plaintext = crypto.getRandomValues(newSecret(DATA_KEY_LENGTH));
    return wrapUnderAll(plaintext, [], keys, encryptionContext, options);
  }
  using generated = await first.provider.generateDataKey(
    {
      keyId: first.keyId,
      keySpec: 'AES_256',
      encryptionContext: contextFor(first.provider, encryptionContext),
    },
    options,
  );
  const { keyId, ciphertext } = generated;
  const own = { providerId: first.provider.id, providerInfo: utf8.encode(keyId), ciphertext };
  const plaintext = newSecret(DATA_KEY_LENGTH);
  plaintext.set(generated.plaintext);
  return wrapUnderAll(plaintext, [own], others, encryptionContext, options);
}

/** Wraps under all keys at once. Owns the plaintext until it returns it. */
async function wrapUnderAll(
  plaintext: Uint8Array,
  wrapped: readonly EncryptedDataKey[],
  keys: readonly ReadWrappingKey[],
  encryptionContext: EncryptionContext,
  options: CallOptions,
): Promise<WrappedDataKeys> {
  if (keys.length === 0) return { plaintext, wrapped };
  try {
    const more = await Promise.all(
      keys.map((key) => wrapUnder(key, plaintext, encryptionContext, options)),
    );
    return { plaintext, wrapped: [...wrapped, ...more] };
  } catch (error) {
    wipe(plaintext);
    throw error;
  }
}

async function wrapUnder(
  key: ReadWrappingKey,
  plaintext: Uint8Array,
  encryptionContext: EncryptionContext,
  options: CallOptions,
): Promise<EncryptedDataKey> {
  if (!('provider' in key)) {
    const { publicKey, namespace, name, algorithm } = key;
    const ciphertext = await sealWithPublicKey(publicKey, plaintext, algorithm);
    return { providerId: namespace, providerInfo: utf8.encode(name), ciphertext };
  }
  const { ciphertext, keyId } = await encrypt(key, plaintext, encryptionContext, options);
  return { providerId: key.provider.id, providerInfo: utf8.encode(keyId), ciphertext };
}

function encrypt(
  { provider, keyId }: ReadProviderKey,
  plaintext: Uint8Array,
  encryptionContext: EncryptionContext,
  options: CallOptions,
) {
  const algorithm = provider.capabilities.dataKeyAlgorithm ?? 'SYMMETRIC_DEFAULT';
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
  { capabilities }: KeyWrapProvider,
  encryptionContext: EncryptionContext,
): EncryptionContext | undefined {
  const isSymmetric =
    (capabilities.dataKeyAlgorithm ?? 'SYMMETRIC_DEFAULT') === 'SYMMETRIC_DEFAULT';
  return capabilities.encryptionContext && isSymmetric ? encryptionContext : undefined;
}
