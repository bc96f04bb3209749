import { INPUT_FIELDS, TARGET_FIELDS } from '../legacy/read-input.js';
import { assertProvider } from '../provider/assert-provider.js';
import { type EncryptionContext, readEncryptionContext } from '../provider/encryption-context.js';
import { parseKeyId } from '../provider/key-id.js';
import { isAsymmetricAlgorithm } from '../provider/key-spec.js';
import type {
  AsymmetricTarget,
  CallOptions,
  KeyWrapProvider,
  ReEncryptResult,
  SymmetricSource,
  SymmetricTarget,
} from '../provider/provider.js';
import { copyFields, readSafely } from '../provider/read-fields.js';

/** One side of a move between two providers. */
export type Side<Target> = Target & { readonly provider: KeyWrapProvider };

/** A ciphertext to move from a key of one provider to a key of another. */
export interface ReEncryptAcrossInput {
  /** 1 to 6144 bytes. */
  readonly ciphertext: Uint8Array;
  readonly source: Side<SymmetricSource | AsymmetricTarget>;
  readonly destination: Side<SymmetricTarget | AsymmetricTarget>;
}

/**
 * Moves a ciphertext from one provider to another: from local keys to AWS KMS, or from one region to
 * another. Unlike `provider.reEncrypt`, **the plaintext passes through this process**; it is wiped as
 * soon as it is encrypted again. Within one provider use `reEncrypt`.
 *
 * Rejects as `decrypt` does for the source, and as `encrypt` does for the destination.
 *
 * @example
 * ```ts
 * import { type KeyWrapProvider, reEncryptAcross } from '@keywrap/core';
 *
 * async function move(local: KeyWrapProvider, kms: KeyWrapProvider, ciphertext: Uint8Array) {
 *   return reEncryptAcross({
 *     ciphertext,
 *     source: { provider: local, keyId: 'alias/orders', encryptionContext: { order: '7' } },
 *     destination: { provider: kms, keyId: 'alias/orders', encryptionContext: { order: '7' } },
 *   });
 * }
 * ```
 */
export async function reEncryptAcross(
  input: ReEncryptAcrossInput,
  options?: CallOptions,
): Promise<ReEncryptResult> {
  const { ciphertext, source, destination } = readSafely('reEncryptAcross', 'input', () => {
    const copy = copyFields(input, 'input', INPUT_FIELDS.reEncrypt);
    return {
      ciphertext: copy.ciphertext,
      source: readSide<SymmetricSource | AsymmetricTarget>(copy.source, 'source'),
      destination: readDestination(copy.destination),
    };
  });
  using opened = await (isAsymmetricTarget(source.target)
    ? source.provider.decryptAsymmetric({ ...source.target, ciphertext }, options)
    : source.provider.decrypt({ ...source.target, ciphertext }, options));
  const { plaintext } = opened;
  const sealed = await destination.provider.encrypt({ ...destination.target, plaintext }, options);
  return {
    ciphertext: sealed.ciphertext,
    sourceKeyId: opened.keyId,
    sourceAlgorithm: opened.algorithm,
    destinationKeyId: sealed.keyId,
    destinationAlgorithm: sealed.algorithm,
  };
}

/** Complete before anything is decrypted. */
function readDestination(side: Side<SymmetricTarget | AsymmetricTarget>) {
  const destination = readSide<SymmetricTarget | AsymmetricTarget>(side, 'destination');
  parseKeyId(destination.target.keyId, 'destination.keyId');
  return destination;
}

/** Copies a side, so that the caller may change its own while the other side is at work. */
function readSide<Target extends { readonly encryptionContext?: EncryptionContext | undefined }>(
  side: Side<Target>,
  field: string,
): { readonly provider: KeyWrapProvider; readonly target: Target } {
  const { provider, ...rest } = copyFields(side, field, ['provider', ...TARGET_FIELDS]);
  assertProvider(provider, `${field}.provider`);
  const target = rest as unknown as Target;
  const { encryptionContext } = target;
  if (encryptionContext === undefined) return { provider, target };
  const context = readEncryptionContext(encryptionContext, `${field}.encryptionContext`);
  return { provider, target: { ...target, encryptionContext: context } };
}

function isAsymmetricTarget(side: SymmetricSource | AsymmetricTarget): side is AsymmetricTarget {
  return side.algorithm !== undefined && isAsymmetricAlgorithm(side.algorithm);
}
