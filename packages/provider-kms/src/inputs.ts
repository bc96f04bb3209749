import type {
  DecryptCommandInput,
  EncryptCommandInput,
  GenerateDataKeyCommandInput,
  GenerateDataKeyPairCommandInput,
  ReEncryptCommandInput,
} from '@aws-sdk/client-kms';
import {
  type LegacyDecryptRequest as DecryptRequest,
  type EncryptionContext,
  type LegacyEncryptRequest as EncryptRequest,
  type GenerateDataKeyPairRequest,
  type GenerateDataKeyRequest,
  InvalidInputError,
  LIMITS,
  type LegacyReEncryptRequest as ReEncryptRequest,
} from '@keywrap/core';

// The contract's requests in the terms of the KMS API. What is not there is left out, not undefined.

/** [Encrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html) */
export function toEncryptInput(request: EncryptRequest): EncryptCommandInput {
  return {
    KeyId: request.keyId,
    Plaintext: request.plaintext,
    EncryptionAlgorithm: request.algorithm,
    ...toContext('EncryptionContext', request.encryptionContext),
  };
}

/** [Decrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html) */
export function toDecryptInput(request: DecryptRequest): DecryptCommandInput {
  return {
    CiphertextBlob: request.ciphertext,
    ...(request.keyId !== undefined && { KeyId: request.keyId }),
    EncryptionAlgorithm: request.algorithm,
    ...toContext('EncryptionContext', request.encryptionContext),
  };
}

/** [ReEncrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html) */
export function toReEncryptInput(request: ReEncryptRequest): ReEncryptCommandInput {
  const { ciphertext, source, destination } = request;
  return {
    CiphertextBlob: ciphertext,
    ...(source.keyId !== undefined && { SourceKeyId: source.keyId }),
    SourceEncryptionAlgorithm: source.algorithm,
    ...toContext('SourceEncryptionContext', source.encryptionContext),
    DestinationKeyId: destination.keyId,
    DestinationEncryptionAlgorithm: destination.algorithm,
    ...toContext('DestinationEncryptionContext', destination.encryptionContext),
  };
}

/** [GenerateDataKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html), with and without plaintext */
export function toDataKeyInput(request: GenerateDataKeyRequest): GenerateDataKeyCommandInput {
  return {
    KeyId: request.keyId,
    NumberOfBytes: request.numberOfBytes,
    ...toContext('EncryptionContext', request.encryptionContext),
  };
}

/** [GenerateDataKeyPair](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html), with and without plaintext */
export function toDataKeyPairInput(
  request: GenerateDataKeyPairRequest,
): GenerateDataKeyPairCommandInput {
  return {
    KeyId: request.keyId,
    KeyPairSpec: request.keyPairSpec,
    ...toContext('EncryptionContext', request.encryptionContext),
  };
}

/**
 * The grant tokens of the provider and those of the call, each once.
 *
 * @throws {@link InvalidInputError} when they are more than KMS takes.
 */
export function toGrantTokens(
  own: readonly string[],
  calls: readonly string[] = [],
): { GrantTokens?: string[] } {
  const all = [...new Set([...own, ...calls])];
  if (all.length > LIMITS.grantTokens) {
    throw new InvalidInputError(
      'options.grantTokens',
      `are more than ${LIMITS.grantTokens} together with those of the provider`,
    );
  }
  return all.length === 0 ? {} : { GrantTokens: all };
}

/** An empty context is none: an asymmetric key takes none. */
function toContext<Name extends string>(
  name: Name,
  context: EncryptionContext,
): { readonly [N in Name]?: Record<string, string> } {
  const isEmpty = Object.keys(context).length === 0;
  return isEmpty ? {} : ({ [name]: { ...context } } as { [N in Name]: Record<string, string> });
}
