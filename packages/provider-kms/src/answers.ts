import type { GetPublicKeyCommandOutput, KeyMetadata } from '@aws-sdk/client-kms';
import {
  type EncryptionAlgorithm,
  isEncryptionAlgorithm,
  type KeyDescription,
  type KeyOrigin,
  type KeySpec,
  type KeyState,
  type KeyUsage,
  ownFields,
  ProviderUnavailableError,
  type PublicKeyResult,
  UnsupportedOperationError,
} from '@keywrap/core';

// KMS's names are the contract's names, but KMS has kinds of key that the contract does not (ML-DSA,
// ML-KEM, Ed25519, SM2), none of which encrypts with an algorithm of the contract.

const KEY_SPECS: readonly KeySpec[] = [
  'SYMMETRIC_DEFAULT',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
];

const KEY_USAGES: readonly KeyUsage[] = [
  'ENCRYPT_DECRYPT',
  'SIGN_VERIFY',
  'GENERATE_VERIFY_MAC',
  'KEY_AGREEMENT',
];

const KEY_STATES: readonly KeyState[] = [
  'Creating',
  'Enabled',
  'Disabled',
  'PendingDeletion',
  'PendingImport',
  'PendingReplicaDeletion',
  'Unavailable',
  'Updating',
];

const KEY_ORIGINS: readonly KeyOrigin[] = [
  'AWS_KMS',
  'EXTERNAL',
  'AWS_CLOUDHSM',
  'EXTERNAL_KEY_STORE',
];

/** An answer with every member there. */
export type Complete<Answer> = { readonly [Name in keyof Answer]-?: NonNullable<Answer[Name]> };

/**
 * Takes an answer for complete: the SDK types every member as optional, KMS always sends those that
 * we read, and AbstractKeyWrapProvider refuses what is missing all the same.
 */
export function complete<Answer extends object>(answer: Answer): Complete<Answer> {
  return answer as Complete<Answer>;
}

/** [GetPublicKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html) in the contract's terms. */
export function toPublicKeyResult(answer: GetPublicKeyCommandOutput): PublicKeyResult {
  const { PublicKey, KeyId } = complete(answer);
  return {
    publicKey: PublicKey,
    keyId: KeyId,
    keySpec: known(KEY_SPECS, answer.KeySpec, 'key spec'),
    keyUsage: known(KEY_USAGES, answer.KeyUsage, 'key usage'),
    algorithms: ours(answer.EncryptionAlgorithms),
  };
}

/** [KeyMetadata](https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html) in the contract's terms. */
export function toKeyDescription(metadata: KeyMetadata | undefined): KeyDescription {
  if (metadata?.CreationDate === undefined) throw unreadable('no key metadata');
  const { DeletionDate: deletionDate } = ownFields(metadata);
  return {
    keyId: complete(metadata).Arn,
    keySpec: known(KEY_SPECS, metadata.KeySpec, 'key spec'),
    keyUsage: known(KEY_USAGES, metadata.KeyUsage, 'key usage'),
    keyState: known(KEY_STATES, metadata.KeyState, 'key state'),
    origin: known(KEY_ORIGINS, metadata.Origin, 'origin'),
    algorithms: ours(metadata.EncryptionAlgorithms),
    description: metadata.Description ?? '',
    creationDate: metadata.CreationDate,
    ...(deletionDate !== undefined && { deletionDate }),
  };
}

function known<Name extends string>(names: readonly Name[], value: unknown, what: string): Name {
  const name = names.find((candidate) => candidate === value);
  if (name !== undefined) return name;
  if (typeof value !== 'string') throw unreadable(`no ${what}`);
  throw new UnsupportedOperationError(
    `the key has the ${what} ${value}, which keywrap does not know; it wraps under SYMMETRIC_DEFAULT and RSA keys`,
  );
}

function ours(algorithms: readonly string[] = []): EncryptionAlgorithm[] {
  return algorithms.filter((algorithm) => isEncryptionAlgorithm(algorithm));
}

function unreadable(what: string): ProviderUnavailableError {
  return new ProviderUnavailableError(`AWS KMS answered with ${what}`);
}
