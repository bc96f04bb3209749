import { isAsymmetricAlgorithm } from './key-spec.js';
import type {
  AsymmetricTarget,
  CallOptions,
  KeyWrapProvider,
  ReEncryptResult,
  SymmetricSource,
  SymmetricTarget,
} from './provider.js';

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
  const { provider: source, ...from } = input.source;
  const { provider: destination, ...to } = input.destination;
  const { ciphertext } = input;
  using opened = await (isAsymmetricTarget(from)
    ? source.decryptAsymmetric({ ...from, ciphertext }, options)
    : source.decrypt({ ...from, ciphertext }, options));
  const sealed = await destination.encrypt({ ...to, plaintext: opened.plaintext }, options);
  return {
    ciphertext: sealed.ciphertext,
    sourceKeyId: opened.keyId,
    sourceAlgorithm: opened.algorithm,
    destinationKeyId: sealed.keyId,
    destinationAlgorithm: sealed.algorithm,
  };
}

function isAsymmetricTarget(side: SymmetricSource | AsymmetricTarget): side is AsymmetricTarget {
  return side.algorithm !== undefined && isAsymmetricAlgorithm(side.algorithm);
}
