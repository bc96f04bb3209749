import { type BlobHeader, decodeBlob } from '@keywrap/provider-local/old-keys';
import { findKeyOrAlias } from '../keys/find-key.js';
import { assertState } from '../keys/key-state.js';
import { assertUsage } from '../keys/key-usage.js';
import type { KmsKey } from '../keys/kms-key.js';
import { KmsError, validationError } from '../protocol/kms-error.js';
import { incorrectKey } from '../protocol/provider-error.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';

type Algorithm = NonNullable<RequestOf<'Decrypt'>['EncryptionAlgorithm']>;

/** What a ciphertext is to be opened with. */
export interface SourceRequest {
  readonly keyId: string | undefined;
  readonly algorithm: Algorithm;
  /** Undefined only for a dry run that ignores the ciphertext. */
  readonly ciphertext: Uint8Array | undefined;
  /** Whose source it is. */
  readonly operation: 'Decrypt' | 'ReEncrypt';
}

/** The key that opens a ciphertext, and which of its materials, where the ciphertext says it. */
export interface Source {
  readonly key: KmsKey;
  readonly keyMaterialId: string | undefined;
}

/**
 * Finds the key that opens a ciphertext: the one that is named, or the one that a symmetric ciphertext
 * names itself. If both are named they must be the same.
 *
 * @throws KmsError `NotFoundException`, `DisabledException`, `KMSInvalidStateException`,
 * `InvalidKeyUsageException`, `IncorrectKeyException`, `InvalidCiphertextException`
 */
export async function findSource({ keys }: Region, request: SourceRequest): Promise<Source> {
  const { keyId, algorithm, ciphertext, operation } = request;
  const check = (key: KmsKey) => {
    const side = operation === 'ReEncrypt' ? 'ReEncryptFrom' : operation;
    assertUsage(side, key, keys, 'ENCRYPT_DECRYPT', algorithm);
    assertState(operation, key, keys);
  };
  const named = keyId === undefined ? undefined : await findKeyOrAlias(keys, keyId);
  if (algorithm !== 'SYMMETRIC_DEFAULT' || ciphertext === undefined) {
    if (named === undefined) {
      const name = operation === 'ReEncrypt' ? 'SourceKeyId' : 'KeyId';
      throw validationError(`${name} is required when the ciphertext does not identify the key.`);
    }
    check(named);
    return { key: named, keyMaterialId: undefined };
  }
  const blob = readBlob(ciphertext);
  const key = blob && (await keys.get(blob.keyId));
  if (named !== undefined && key !== undefined && named.id !== key.id) {
    // KMS says this also when the key that is named encrypts nothing at all.
    assertState(operation, named, keys);
    throw incorrectKey();
  }
  if (named !== undefined) check(named);
  if (key === undefined) throw new KmsError('InvalidCiphertextException');
  check(key);
  const material = key.materials.find(({ version }) => version === blob?.materialVersion);
  return { key, keyMaterialId: material?.id };
}

function readBlob(ciphertext: Uint8Array): BlobHeader | undefined {
  try {
    return decodeBlob(ciphertext);
  } catch {
    return undefined;
  }
}

/**
 * The ciphertext of a request. It may be missing in a dry run that says so.
 *
 * @throws KmsError `ValidationException`
 */
export function ciphertextOf(
  request: Pick<RequestOf<'Decrypt'>, 'CiphertextBlob' | 'DryRun' | 'DryRunModifiers'>,
): Uint8Array | undefined {
  const { CiphertextBlob, DryRun = false, DryRunModifiers = [] } = request;
  if (DryRunModifiers.length > 0) {
    if (DryRun) return undefined;
    throw validationError('DryRunModifiers can only be used when DryRun is true.');
  }
  if (CiphertextBlob !== undefined) return CiphertextBlob;
  throw validationError(
    "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
  );
}
