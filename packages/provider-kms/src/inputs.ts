import type {
  DecryptCommandInput,
  EncryptCommandInput,
  EncryptionAlgorithmSpec,
  GenerateDataKeyCommandInput,
  GenerateDataKeyPairCommandInput,
  ReEncryptCommandInput,
} from '@aws-sdk/client-kms';
import {
  type DataKeyPairRequest,
  type DataKeyRequest,
  type DecryptRequest,
  type EncryptionContext,
  type EncryptRequest,
  InvalidInputError,
  LIMITS,
  type ReEncryptRequest,
  type Source,
} from '@keywrap/core';

// Converts the contract's requests to those of the KMS API. Absent members are omitted, not undefined.

/** Core has rejected the algorithms that the driver does not declare. */
function toAlgorithm({ algorithm }: Source): EncryptionAlgorithmSpec {
  return algorithm as EncryptionAlgorithmSpec;
}

/** [Encrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html) */
export function toEncryptInput(request: EncryptRequest): EncryptCommandInput {
  return {
    KeyId: request.key.text,
    Plaintext: request.plaintext,
    EncryptionAlgorithm: toAlgorithm(request),
    ...toContext('EncryptionContext', request.encryptionContext),
  };
}

/** [Decrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html) */
export function toDecryptInput(request: DecryptRequest): DecryptCommandInput {
  return {
    CiphertextBlob: request.ciphertext,
    ...(request.key && { KeyId: request.key.text }),
    EncryptionAlgorithm: toAlgorithm(request),
    ...toContext('EncryptionContext', request.encryptionContext),
  };
}

/** [ReEncrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html) */
export function toReEncryptInput(request: ReEncryptRequest): ReEncryptCommandInput {
  const { ciphertext, source, destination } = request;
  return {
    CiphertextBlob: ciphertext,
    ...(source.key && { SourceKeyId: source.key.text }),
    SourceEncryptionAlgorithm: toAlgorithm(source),
    ...toContext('SourceEncryptionContext', source.encryptionContext),
    DestinationKeyId: destination.key.text,
    DestinationEncryptionAlgorithm: toAlgorithm(destination),
    ...toContext('DestinationEncryptionContext', destination.encryptionContext),
  };
}

/** [GenerateDataKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html), with and without plaintext */
export function toDataKeyInput(request: DataKeyRequest): GenerateDataKeyCommandInput {
  return {
    KeyId: request.key.text,
    NumberOfBytes: request.numberOfBytes,
    ...toContext('EncryptionContext', request.encryptionContext),
  };
}

/** [GenerateDataKeyPair](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html), with and without plaintext */
export function toDataKeyPairInput(request: DataKeyPairRequest): GenerateDataKeyPairCommandInput {
  return {
    KeyId: request.key.text,
    KeyPairSpec: request.keyPairSpec,
    ...toContext('EncryptionContext', request.encryptionContext),
  };
}

/**
 * Merges the grant tokens of the provider and of the call, without duplicates.
 *
 * @throws {@link InvalidInputError} when they exceed KMS's limit.
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

/** Omits an empty context, because an asymmetric key accepts none. */
function toContext<Name extends string>(
  name: Name,
  context: EncryptionContext,
): { readonly [N in Name]?: Record<string, string> } {
  const isEmpty = Object.keys(context).length === 0;
  return isEmpty ? {} : ({ [name]: { ...context } } as { [N in Name]: Record<string, string> });
}
