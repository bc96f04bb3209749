import { TARGET_FIELDS } from '../calls/parse-input.js';
import { assertProvider } from '../provider/assert-provider.js';
import { readEncryptionContext } from '../provider/encryption-context.js';
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
import { readFields, readSafely } from '../provider/read-fields.js';

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
    const fields = readFields(input, 'input', ['ciphertext', 'source', 'destination']);
    const source = readSide(fields.source, 'source');
    const destination = readSide(fields.destination, 'destination');
    // Parses everything before anything is decrypted.
    parseKeyId(destination.target.keyId, 'destination.keyId');
    return { ciphertext: fields.ciphertext as Uint8Array, source, destination };
  });
  const opened = await (isAsymmetricTarget(source.target)
    ? source.provider.decryptAsymmetric({ ...source.target, ciphertext }, options)
    : source.provider.decrypt({ ...source.target, ciphertext }, options));
  try {
    const { plaintext } = opened;
    const sealed = await destination.provider.encrypt(
      { ...destination.target, plaintext },
      options,
    );
    const { keyVersion } = sealed;
    return {
      ciphertext: sealed.ciphertext,
      sourceKeyId: opened.keyId,
      ...(opened.keyVersion !== undefined && { sourceKeyVersion: opened.keyVersion }),
      sourceAlgorithm: opened.algorithm,
      destinationKeyId: sealed.keyId,
      ...(keyVersion !== undefined && { destinationKeyVersion: keyVersion }),
      destinationAlgorithm: sealed.algorithm,
    };
  } finally {
    // Not by `using`, which some browsers do not have.
    opened[Symbol.dispose]();
  }
}

/** Copies a side, so that the caller may change its object during the call on the other side. */
function readSide(side: unknown, field: 'source' | 'destination') {
  const { provider, ...fields } = readFields(side, field, ['provider', ...TARGET_FIELDS]);
  assertProvider(provider, `${field}.provider`);
  const { encryptionContext } = fields;
  const context =
    encryptionContext && readEncryptionContext(encryptionContext, `${field}.encryptionContext`);
  const target = { ...fields, encryptionContext: context } as SymmetricTarget | AsymmetricTarget;
  return { provider, target };
}

function isAsymmetricTarget(side: SymmetricTarget | AsymmetricTarget): side is AsymmetricTarget {
  return side.algorithm !== undefined && isAsymmetricAlgorithm(side.algorithm);
}
