import {
  type CallOptions,
  type DecryptResult,
  type EncryptionContext,
  InvalidInputError,
  isKeyArn,
  KeyWrapError,
  UntrustedKeyError,
  wipe,
} from '@keywrap/core';
import { damagedMessage } from '../errors.js';
import type { EncryptedDataKey } from '../format/header.js';
import { decodeUtf8 } from '../text/utf8.js';
import { contextFor, dataKeyAlgorithmOf } from './wrap-data-key.js';
import type { ReadTrustedKey } from './wrapping-key.js';

/**
 * Unwraps the data key with the first trusted key that can, in the caller's order. The call names the trusted key,
 * never the one that the message names, so that no other key is used. An outage of one key's provider does not
 * stop the others
 * ([Multi-Keyring](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/multi-keyring.md#ondecrypt)).
 *
 * @param keyLength The length that the data key must have, in bytes.
 * @throws UntrustedKeyError if no data key of the message is wrapped under a trusted key.
 */
export async function unwrapDataKey(
  dataKeys: readonly EncryptedDataKey[],
  trustedKeys: readonly ReadTrustedKey[],
  encryptionContext: EncryptionContext,
  keyLength: number,
  options: CallOptions,
): Promise<DecryptResult> {
  const errors: KeyWrapError[] = [];
  for (const trusted of trustedKeys) {
    for (const dataKey of dataKeys) {
      if (!mayHaveWrapped(trusted, dataKey)) continue;
      try {
        const opened = await decrypt(trusted, dataKey.ciphertext, encryptionContext, options);
        if (opened.plaintext.length === keyLength) return opened;
        wipe(opened.plaintext);
        errors.push(damagedMessage());
      } catch (error) {
        if (!(error instanceof KeyWrapError) || error.code === 'ABORTED') throw error;
        // Not made by the key that it names.
        const isForged = error.code === 'INCORRECT_KEY' && isKeyArn(trusted.keyId);
        errors.push(isForged ? damagedMessage() : error);
      }
    }
  }
  throw mostImportant(errors) ?? untrusted(dataKeys, trustedKeys);
}

function decrypt(
  { provider, keyId, rawRsa }: ReadTrustedKey,
  ciphertext: Uint8Array,
  encryptionContext: EncryptionContext,
  options: CallOptions,
): Promise<DecryptResult> {
  const algorithm = rawRsa?.algorithm ?? dataKeyAlgorithmOf(provider);
  if (algorithm !== 'SYMMETRIC_DEFAULT') {
    return provider.decryptAsymmetric({ keyId, ciphertext, algorithm }, options);
  }
  const context = contextFor(provider, encryptionContext);
  return provider.decrypt({ keyId, ciphertext, encryptionContext: context }, options);
}

/**
 * Tells whether an encrypted data key names the trusted key. An alias or a bare key id is tried with every data
 * key of its provider, which costs a call that tells.
 */
function mayHaveWrapped({ provider, keyId, rawRsa }: ReadTrustedKey, dataKey: EncryptedDataKey) {
  if (dataKey.providerId !== (rawRsa?.namespace ?? provider.id)) return false;
  if (rawRsa === undefined && !isKeyArn(keyId)) return true;
  const name = decodeUtf8(dataKey.providerInfo);
  return rawRsa === undefined ? name === keyId || areReplicas(name, keyId) : name === rawRsa.name;
}

/**
 * Tells whether two ARNs name replicas of one multi-Region key, which open each other's ciphertexts ([MRK
 * match](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/aws-kms/aws-kms-mrk-match-for-decrypt.md)).
 */
function areReplicas(a: string, b: string): boolean {
  if (!isKeyArn(a) || !isKeyArn(b)) return false;
  const withoutRegion = (arn: string) => arn.split(':').toSpliced(3, 1).join(':');
  return b.includes(':key/mrk-') && withoutRegion(a) === withoutRegion(b);
}

/** Outages first, because a later attempt may succeed; then what the caller can change; then damage. */
function mostImportant(errors: readonly KeyWrapError[]): KeyWrapError | undefined {
  const outage = errors.find(({ retryable }) => retryable);
  if (outage !== undefined) return outage;
  const own = errors.find((error) => !isDamage(error) && error.code !== 'INCORRECT_KEY');
  if (own !== undefined) return own;
  return errors.some(isDamage) ? damagedMessage() : undefined;
}

/** A ciphertext of a length that no provider takes is damage too. */
function isDamage(error: KeyWrapError): boolean {
  if (error.code === 'INVALID_CIPHERTEXT') return true;
  if (!(error instanceof InvalidInputError)) return false;
  return error.field === 'ciphertext' || error.field.startsWith('encryptionContext');
}

function untrusted(
  dataKeys: readonly EncryptedDataKey[],
  trustedKeys: readonly ReadTrustedKey[],
): UntrustedKeyError {
  const given = new Set(
    trustedKeys.map(({ provider, rawRsa }) => rawRsa?.namespace ?? provider.id),
  );
  const isKnown = dataKeys.some(({ providerId }) => given.has(providerId));
  return new UntrustedKeyError(
    isKnown
      ? 'no data key of the message is wrapped under a trusted key; parseMessageHeader tells under which keys they are'
      : `no data key of the message is of a given provider (${[...given].join(', ')}); parseMessageHeader tells of which providers they are`,
  );
}
