import type { EncryptionAlgorithm, EncryptionContext, KeyWrapError } from '@keywrap/core';
import { type Blob, decodeBlob, incorrectKey, unknownKey } from '@keywrap/provider-local/driver';
import { assertState, type KeyRecord } from '@keywrap/provider-local/keys';
import { assertUsable, findKeyOrAlias } from '../keys/find-key.js';
import { KmsError, validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';

/** The parameters of decryption. */
interface SourceRequest {
  /** For messages: ReEncrypt names its two sides differently. */
  readonly operation: 'Decrypt' | 'ReEncryptFrom';
  readonly keyId: string | undefined;
  readonly algorithm: RequestOf<'Encrypt'>['EncryptionAlgorithm'];
  /** Undefined only for a dry run that ignores the ciphertext. */
  readonly ciphertext: Uint8Array | undefined;
  readonly context: EncryptionContext | undefined;
}

/** A ciphertext, and the key that decrypts it. */
export interface Source {
  readonly key: KeyRecord;
  readonly algorithm: EncryptionAlgorithm;
  readonly ciphertext: Uint8Array | undefined;
  /** The ciphertext, decoded, when it is symmetric. */
  readonly blob: Blob | undefined;
}

/**
 * Finds the key that decrypts a ciphertext: the one that is named, or the one that a symmetric ciphertext
 * names itself. If both are named they must be the same.
 *
 * @throws KmsError `NotFoundException`, `InvalidKeyUsageException`, `AccessDeniedException`; IncorrectKeyError,
 * InvalidCiphertextError, KeyDisabledError, KeyStateError
 */
export async function findSource(
  { keys, cipher }: Region,
  request: SourceRequest,
): Promise<Source> {
  const { keyId, algorithm = 'SYMMETRIC_DEFAULT', ciphertext, operation, context = {} } = request;
  const use = { operation, usage: 'ENCRYPT_DECRYPT', algorithm } as const;
  const sourceOf = (key: KeyRecord, blob?: Blob): Source => {
    assertUsable(key, use);
    return { key, blob, ciphertext, algorithm: algorithm as EncryptionAlgorithm };
  };
  const named = keyId === undefined ? undefined : await findKeyOrAlias(keys, keyId);
  if (algorithm !== 'SYMMETRIC_DEFAULT' || ciphertext === undefined) {
    if (named !== undefined) return sourceOf(named);
    const name = operation === 'Decrypt' ? 'KeyId' : 'SourceKeyId';
    throw validationError(`${name} is required when the ciphertext does not identify the key.`);
  }
  const blob = readBlob(ciphertext);
  if (named !== undefined && named.id === blob?.keyId) return sourceOf(named, blob);
  const key = blob && (keys.peekId(blob.keyId) ?? (await keys.loadId(blob.keyId)));
  if (named !== undefined && key !== undefined) {
    // Also when the named key is not an encryption key.
    assertState(named, ['Enabled']);
    throw incorrectKey();
  }
  if (named !== undefined) assertUsable(named, use);
  if (blob === undefined) throw new KmsError('InvalidCiphertextException');
  if (key === undefined) throw toKmsError(unknownKey(cipher, blob, context, named));
  return sourceOf(key, blob);
}

function readBlob(ciphertext: Uint8Array): Blob | undefined {
  try {
    return decodeBlob(ciphertext);
  } catch {
    return undefined;
  }
}

function toKmsError(error: KeyWrapError): KeyWrapError | KmsError {
  if (error.code !== 'ACCESS_DENIED') return error;
  return new KmsError('AccessDeniedException', `${error.message}.`);
}

/**
 * Returns the ciphertext of a request. It may be missing in a dry run that says so.
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
