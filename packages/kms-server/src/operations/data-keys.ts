import { dataKeyLength, isDataKeyPairSpec, wipe } from '@keywrap/core';
import { arnOf, type KeyRecord, type Keys } from '@keywrap/provider-local/keys';
import type { Client } from '../key-pairs.js';
import { usableKey } from '../keys/find-key.js';
import { validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import { endDryRun, rejectRecipient, toBase64, unsupported } from './members.js';

/** [GenerateDataKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html) */
export async function GenerateDataKey(request: RequestOf<'GenerateDataKey'>, region: Region) {
  rejectRecipient(request);
  const { plaintext, members } = await makeDataKey('GenerateDataKey', request, region);
  members.Plaintext = toBase64(plaintext);
  wipe(plaintext);
  return members;
}

/** [GenerateDataKeyWithoutPlaintext](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html) */
export async function GenerateDataKeyWithoutPlaintext(
  request: RequestOf<'GenerateDataKeyWithoutPlaintext'>,
  region: Region,
) {
  const operation = 'GenerateDataKeyWithoutPlaintext';
  const { plaintext, members } = await makeDataKey(operation, request, region);
  wipe(plaintext);
  return members;
}

/** [GenerateDataKeyPair](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html) */
export async function GenerateDataKeyPair(
  request: RequestOf<'GenerateDataKeyPair'>,
  region: Region,
  client: Client,
) {
  rejectRecipient(request);
  const made = await makeDataKeyPair('GenerateDataKeyPair', request, region, client);
  const { privateKey, members } = made;
  const PrivateKeyPlaintext = toBase64(privateKey);
  wipe(privateKey);
  return { ...members, PrivateKeyPlaintext };
}

/** [GenerateDataKeyPairWithoutPlaintext](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPairWithoutPlaintext.html) */
export async function GenerateDataKeyPairWithoutPlaintext(
  request: RequestOf<'GenerateDataKeyPairWithoutPlaintext'>,
  region: Region,
  client: Client,
) {
  const operation = 'GenerateDataKeyPairWithoutPlaintext';
  const { privateKey, members } = await makeDataKeyPair(operation, request, region, client);
  wipe(privateKey);
  return members;
}

/** @returns The plaintext, which the caller wipes, and the rest of the response. */
async function makeDataKey(
  operation: string,
  request: RequestOf<'GenerateDataKeyWithoutPlaintext'>,
  { keys, cipher }: Region,
) {
  const key = await wrappingKey(operation, request.KeyId, keys);
  const length = lengthOf(request);
  endDryRun(request);
  const made = cipher.generateDataKey(key, length, request.EncryptionContext ?? {});
  const members = {
    CiphertextBlob: toBase64(made.ciphertext),
    KeyId: arnOf(key),
    KeyMaterialId: made.version.materialId,
    Plaintext: undefined as string | undefined,
  };
  return { plaintext: made.plaintext, members };
}

/** @returns The private key, which the caller wipes, and the rest of the response. */
async function makeDataKeyPair(
  operation: string,
  request: RequestOf<'GenerateDataKeyPairWithoutPlaintext'>,
  { keys, cipher, keyPairs }: Region,
  client: Client,
) {
  const { KeyPairSpec } = request;
  const key = await wrappingKey(operation, request.KeyId, keys);
  if (!isDataKeyPairSpec(KeyPairSpec)) {
    throw unsupported(`KeyPairSpec ${KeyPairSpec} is not supported by this server.`);
  }
  endDryRun(request);
  const { publicKey, privateKey } = await keyPairs.for(client).generateKeyPair(KeyPairSpec);
  try {
    const wrapped = await cipher.encrypt(key, {
      algorithm: 'SYMMETRIC_DEFAULT',
      plaintext: privateKey,
      encryptionContext: request.EncryptionContext ?? {},
    });
    const members = {
      PrivateKeyCiphertextBlob: toBase64(wrapped.ciphertext),
      PublicKey: toBase64(publicKey),
      KeyPairSpec,
      KeyId: arnOf(key),
      KeyMaterialId: wrapped.version.materialId,
    };
    return { privateKey, members };
  } catch (error) {
    wipe(privateKey);
    throw error;
  }
}

function wrappingKey(operation: string, keyId: string, keys: Keys): Promise<KeyRecord> {
  const use = { operation, usage: 'ENCRYPT_DECRYPT', algorithm: 'SYMMETRIC_DEFAULT' } as const;
  return usableKey(keys, keyId, use);
}

function lengthOf({
  KeySpec,
  NumberOfBytes,
}: RequestOf<'GenerateDataKeyWithoutPlaintext'>): number {
  if (KeySpec !== undefined && NumberOfBytes === undefined) return dataKeyLength(KeySpec);
  if (NumberOfBytes !== undefined && KeySpec === undefined) return NumberOfBytes;
  throw validationError('Please specify either number of bytes or key spec.');
}
