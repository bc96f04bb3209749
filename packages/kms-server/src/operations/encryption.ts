import {
  type DecryptAsymmetricInput,
  type EncryptInput,
  isRsaKeySpec,
  maximumPlaintextLength,
  type ReEncryptInput,
} from '@keywrap/core';
import { findKeyOrAlias } from '../keys/find-key.js';
import { assertState } from '../keys/key-state.js';
import { assertUsage } from '../keys/key-usage.js';
import { currentMaterial, isSymmetric, type KmsKey } from '../keys/kms-key.js';
import { validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { ciphertextOf, findSource } from './ciphertext-source.js';
import { contextFor, endDryRun, refuseRecipient, toBase64 } from './common.js';

/** [Encrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html) */
export async function encrypt(request: RequestOf<'Encrypt'>, { keys, provider }: Region) {
  const { Plaintext: plaintext, EncryptionAlgorithm: algorithm = 'SYMMETRIC_DEFAULT' } = request;
  const key = await findKeyOrAlias(keys, request.KeyId);
  assertUsage('Encrypt', key, keys, 'ENCRYPT_DECRYPT', algorithm);
  assertState('Encrypt', key, keys);
  assertFits(plaintext, key, algorithm);
  const encryptionContext = contextFor(key, request.EncryptionContext);
  const keyId = keys.arnOf(key);
  // That the context is only there under a symmetric key, the types can't see.
  const input = { keyId, algorithm, plaintext, encryptionContext } as EncryptInput;
  const { ciphertext } = await provider.encrypt(input);
  endDryRun(request);
  return { CiphertextBlob: toBase64(ciphertext), KeyId: keyId, EncryptionAlgorithm: algorithm };
}

/** [Decrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html) */
export async function decrypt(request: RequestOf<'Decrypt'>, region: Region) {
  refuseRecipient(request);
  const { EncryptionAlgorithm: algorithm = 'SYMMETRIC_DEFAULT' } = request;
  const ciphertext = ciphertextOf(request);
  const { key, keyMaterialId } = await findSource(region, {
    keyId: request.KeyId,
    algorithm,
    ciphertext,
    operation: 'Decrypt',
  });
  const encryptionContext = contextFor(key, request.EncryptionContext);
  if (ciphertext === undefined) return endDryRun(request);
  const keyId = region.keys.arnOf(key);
  using opened = isSymmetric(key)
    ? await region.provider.decrypt({ keyId, ciphertext, encryptionContext })
    : await region.provider.decryptAsymmetric({
        keyId,
        ciphertext,
        algorithm: algorithm as DecryptAsymmetricInput['algorithm'],
      });
  endDryRun(request);
  return {
    KeyId: keyId,
    Plaintext: toBase64(opened.plaintext),
    EncryptionAlgorithm: algorithm,
    KeyMaterialId: keyMaterialId,
  };
}

/** [ReEncrypt](https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html) */
export async function reEncrypt(request: RequestOf<'ReEncrypt'>, region: Region) {
  const { keys, provider } = region;
  const {
    SourceEncryptionAlgorithm: sourceAlgorithm = 'SYMMETRIC_DEFAULT',
    DestinationEncryptionAlgorithm: algorithm = 'SYMMETRIC_DEFAULT',
  } = request;
  const ciphertext = ciphertextOf(request);
  const { key: source, keyMaterialId } = await findSource(region, {
    keyId: request.SourceKeyId,
    algorithm: sourceAlgorithm,
    ciphertext,
    operation: 'ReEncrypt',
  });
  const destination = await findKeyOrAlias(keys, request.DestinationKeyId);
  assertUsage('ReEncryptTo', destination, keys, 'ENCRYPT_DECRYPT', algorithm);
  assertState('ReEncrypt', destination, keys);
  const sourceContext = contextFor(source, request.SourceEncryptionContext);
  const context = contextFor(destination, request.DestinationEncryptionContext);
  if (ciphertext === undefined) return endDryRun(request);
  const sourceKeyId = keys.arnOf(source);
  const keyId = keys.arnOf(destination);
  // That the contexts are only there under symmetric keys, the types can't see.
  const input = {
    ciphertext,
    source: { keyId: sourceKeyId, algorithm: sourceAlgorithm, encryptionContext: sourceContext },
    destination: { keyId, algorithm, encryptionContext: context },
  } as ReEncryptInput;
  const result = await provider.reEncrypt(input);
  endDryRun(request);
  return {
    CiphertextBlob: toBase64(result.ciphertext),
    SourceKeyId: sourceKeyId,
    KeyId: keyId,
    SourceEncryptionAlgorithm: sourceAlgorithm,
    DestinationEncryptionAlgorithm: algorithm,
    SourceKeyMaterialId: keyMaterialId,
    DestinationKeyMaterialId: isSymmetric(destination)
      ? currentMaterial(destination)?.id
      : undefined,
  };
}

/** RSA takes less than the 4096 bytes that every request may have. */
function assertFits(plaintext: Uint8Array, { keySpec }: KmsKey, algorithm: string): void {
  if (!isRsaKeySpec(keySpec)) return;
  const maximum = maximumPlaintextLength(algorithm as 'RSAES_OAEP_SHA_1', keySpec);
  if (plaintext.length <= maximum) return;
  throw validationError(
    `Algorithm ${algorithm} and key spec ${keySpec} cannot encrypt data larger than ${maximum} bytes.`,
  );
}
