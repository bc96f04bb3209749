import {
  type AsymmetricAlgorithm,
  type EncryptionContext,
  InvalidInputError,
  isAsymmetricAlgorithm,
  maximumPlaintextLength,
  type RsaKeySpec,
  wipe,
} from '@keywrap/core';
import type { Blob, KeyCipher } from '@keywrap/provider-local/driver';
import { arnOf, type KeyRecord } from '@keywrap/provider-local/keys';
import { usableKey } from '../keys/find-key.js';
import { currentMaterialId, isSymmetric } from '../keys/key-metadata.js';
import { validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../regions.js';
import { ciphertextOf, findSource, type Source } from './ciphertext-source.js';
import { contextFor, endDryRun, rejectRecipient, toBase64 } from './members.js';

/** [Encrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html) */
export async function Encrypt(request: RequestOf<'Encrypt'>, { keys, cipher }: Region) {
  const { EncryptionAlgorithm: algorithm = 'SYMMETRIC_DEFAULT' } = request;
  const use = { operation: 'Encrypt', usage: 'ENCRYPT_DECRYPT', algorithm } as const;
  const key = await usableKey(keys, request.KeyId, use);
  const context = contextFor(key, request.EncryptionContext);
  const ciphertext = await encrypt(cipher, key, request.Plaintext, algorithm, context);
  endDryRun(request);
  return {
    CiphertextBlob: toBase64(ciphertext),
    KeyId: arnOf(key),
    EncryptionAlgorithm: algorithm,
  };
}

/** [Decrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html) */
export async function Decrypt(request: RequestOf<'Decrypt'>, { keys, cipher }: Region) {
  rejectRecipient(request);
  const source = await findSource(keys, {
    operation: 'Decrypt',
    keyId: request.KeyId,
    algorithm: request.EncryptionAlgorithm,
    ciphertext: ciphertextOf(request),
  });
  const context = contextFor(source.key, request.EncryptionContext);
  if (source.ciphertext === undefined) return endDryRun(request);
  const plaintext = await decrypt(cipher, source, context);
  try {
    endDryRun(request);
    return {
      KeyId: arnOf(source.key),
      Plaintext: toBase64(plaintext),
      EncryptionAlgorithm: source.algorithm,
      KeyMaterialId: materialIdOf(source),
    };
  } finally {
    wipe(plaintext);
  }
}

/** [ReEncrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html) */
export async function ReEncrypt(request: RequestOf<'ReEncrypt'>, { keys, cipher }: Region) {
  const { DestinationEncryptionAlgorithm: algorithm = 'SYMMETRIC_DEFAULT' } = request;
  const source = await findSource(keys, {
    operation: 'ReEncryptFrom',
    keyId: request.SourceKeyId,
    algorithm: request.SourceEncryptionAlgorithm,
    ciphertext: ciphertextOf(request),
  });
  const use = { operation: 'ReEncryptTo', usage: 'ENCRYPT_DECRYPT', algorithm } as const;
  const destination = await usableKey(keys, request.DestinationKeyId, use);
  const sourceContext = contextFor(source.key, request.SourceEncryptionContext);
  const context = contextFor(destination, request.DestinationEncryptionContext);
  if (source.ciphertext === undefined) return endDryRun(request);
  const plaintext = await decrypt(cipher, source, sourceContext);
  try {
    // RSA-OAEP can carry it, if it was encrypted elsewhere.
    if (plaintext.length === 0) throw validationError('The ciphertext holds no plaintext.');
    const ciphertext = await encrypt(cipher, destination, plaintext, algorithm, context);
    endDryRun(request);
    return {
      CiphertextBlob: toBase64(ciphertext),
      SourceKeyId: arnOf(source.key),
      KeyId: arnOf(destination),
      SourceEncryptionAlgorithm: source.algorithm,
      DestinationEncryptionAlgorithm: algorithm,
      SourceKeyMaterialId: materialIdOf(source),
      ...(isSymmetric(destination) && {
        DestinationKeyMaterialId: currentMaterialId(destination),
      }),
    };
  } finally {
    wipe(plaintext);
  }
}

/** @param algorithm One that the key has. */
function encrypt(
  cipher: KeyCipher,
  key: KeyRecord,
  plaintext: Uint8Array,
  algorithm: string,
  context: EncryptionContext,
): Uint8Array | Promise<Uint8Array> {
  return isAsymmetricAlgorithm(algorithm)
    ? encryptRsa(cipher, key, plaintext, algorithm)
    : cipher.seal(key, plaintext, context);
}

/** RSA encrypts less than the 4096 bytes that every request may have. */
async function encryptRsa(
  cipher: KeyCipher,
  key: KeyRecord,
  plaintext: Uint8Array,
  algorithm: AsymmetricAlgorithm,
): Promise<Uint8Array> {
  try {
    return await cipher.encryptRsa(key, plaintext, algorithm);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    const maximum = maximumPlaintextLength(algorithm, key.keySpec as RsaKeySpec);
    throw validationError(
      `Algorithm ${algorithm} and key spec ${key.keySpec} cannot encrypt data larger than ${maximum} bytes.`,
    );
  }
}

function decrypt(
  cipher: KeyCipher,
  { key, algorithm, blob, ciphertext }: Source,
  context: EncryptionContext,
): Uint8Array | Promise<Uint8Array> {
  return isAsymmetricAlgorithm(algorithm)
    ? cipher.decryptRsa(key, ciphertext as Uint8Array, algorithm)
    : cipher.open(key, blob as Blob, context);
}

/** KMS's id of the material that a symmetric ciphertext names. */
function materialIdOf({ key, blob }: Source): string | undefined {
  return key.versions.find(({ version }) => version === blob?.materialVersion)?.materialId;
}
