import {
  type EncryptionAlgorithm,
  type EncryptionContext,
  InvalidInputError,
  isAsymmetricAlgorithm,
  maximumPlaintextLength,
  type RsaKeySpec,
  wipe,
} from '@keywrap/core';
import type { Blob, Decrypted, Encrypted, KeyCipher } from '@keywrap/provider-local/driver';
import { arnOf, type KeyRecord } from '@keywrap/provider-local/keys';
import { usableKey } from '../keys/find-key.js';
import { isSymmetric } from '../keys/key-metadata.js';
import { validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import { ciphertextOf, findSource, type Source } from './ciphertext-source.js';
import { contextFor, endDryRun, rejectRecipient, toBase64 } from './members.js';

/** [Encrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html) */
export async function Encrypt(request: RequestOf<'Encrypt'>, { keys, cipher }: Region) {
  const { Plaintext: plaintext, EncryptionAlgorithm: algorithm = 'SYMMETRIC_DEFAULT' } = request;
  const use = { operation: 'Encrypt', usage: 'ENCRYPT_DECRYPT', algorithm } as const;
  const key = await usableKey(keys, request.KeyId, use);
  const encryptionContext = contextFor(key, request.EncryptionContext);
  const { ciphertext } = await encrypt(cipher, key, { algorithm, plaintext, encryptionContext });
  endDryRun(request);
  return {
    CiphertextBlob: toBase64(ciphertext),
    KeyId: arnOf(key),
    EncryptionAlgorithm: algorithm,
  };
}

/** [Decrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html) */
export async function Decrypt(request: RequestOf<'Decrypt'>, region: Region) {
  rejectRecipient(request);
  const source = await findSource(region, {
    operation: 'Decrypt',
    keyId: request.KeyId,
    algorithm: request.EncryptionAlgorithm,
    ciphertext: ciphertextOf(request),
    context: request.EncryptionContext,
  });
  const context = contextFor(source.key, request.EncryptionContext);
  if (source.ciphertext === undefined) return endDryRun(request);
  const { plaintext, version } = await decrypt(region.cipher, source, context);
  try {
    endDryRun(request);
    return {
      KeyId: arnOf(source.key),
      Plaintext: toBase64(plaintext),
      EncryptionAlgorithm: source.algorithm,
      KeyMaterialId: isSymmetric(source.key) ? version.materialId : undefined,
    };
  } finally {
    wipe(plaintext);
  }
}

/** [ReEncrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html) */
export async function ReEncrypt(request: RequestOf<'ReEncrypt'>, region: Region) {
  const { keys, cipher } = region;
  const { DestinationEncryptionAlgorithm: algorithm = 'SYMMETRIC_DEFAULT' } = request;
  const source = await findSource(region, {
    operation: 'ReEncryptFrom',
    keyId: request.SourceKeyId,
    algorithm: request.SourceEncryptionAlgorithm,
    ciphertext: ciphertextOf(request),
    context: request.SourceEncryptionContext,
  });
  const use = { operation: 'ReEncryptTo', usage: 'ENCRYPT_DECRYPT', algorithm } as const;
  const destination = await usableKey(keys, request.DestinationKeyId, use);
  const sourceContext = contextFor(source.key, request.SourceEncryptionContext);
  const encryptionContext = contextFor(destination, request.DestinationEncryptionContext);
  if (source.ciphertext === undefined) return endDryRun(request);
  const { plaintext, version } = await decrypt(cipher, source, sourceContext);
  try {
    // RSA-OAEP can carry an empty plaintext that was encrypted elsewhere.
    if (plaintext.length === 0) throw validationError('The ciphertext holds no plaintext.');
    const encrypted = await encrypt(cipher, destination, {
      algorithm,
      plaintext,
      encryptionContext,
    });
    endDryRun(request);
    return {
      CiphertextBlob: toBase64(encrypted.ciphertext),
      SourceKeyId: arnOf(source.key),
      KeyId: arnOf(destination),
      SourceEncryptionAlgorithm: source.algorithm,
      DestinationEncryptionAlgorithm: algorithm,
      SourceKeyMaterialId: isSymmetric(source.key) ? version.materialId : undefined,
      DestinationKeyMaterialId: isSymmetric(destination) ? encrypted.version.materialId : undefined,
    };
  } finally {
    wipe(plaintext);
  }
}

/** @param request With an algorithm that the key has. */
async function encrypt(
  cipher: KeyCipher,
  key: KeyRecord,
  request: {
    readonly algorithm: string;
    readonly plaintext: Uint8Array;
    readonly encryptionContext: EncryptionContext;
  },
): Promise<Encrypted> {
  const { plaintext, encryptionContext } = request;
  const algorithm = request.algorithm as EncryptionAlgorithm;
  try {
    return await cipher.encrypt(key, { algorithm, plaintext, encryptionContext });
  } catch (error) {
    if (!(error instanceof InvalidInputError && error.field === 'plaintext')) throw error;
    const maximum = maximumPlaintextLength(algorithm, key.keySpec as RsaKeySpec);
    throw validationError(
      `Algorithm ${algorithm} and key spec ${key.keySpec} cannot encrypt data larger than ${maximum} bytes.`,
    );
  }
}

async function decrypt(
  cipher: KeyCipher,
  { key, algorithm, blob, ciphertext }: Source,
  context: EncryptionContext,
): Promise<Decrypted> {
  return isAsymmetricAlgorithm(algorithm)
    ? cipher.decryptRsa(key, ciphertext as Uint8Array, algorithm)
    : cipher.decryptBlob(key, blob as Blob, context);
}
