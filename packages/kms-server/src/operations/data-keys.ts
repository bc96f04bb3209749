import { type GenerateDataKeyInput, isDataKeyPairSpec } from '@keywrap/core';
import { type Awaitable, andThen } from '@keywrap/provider-local/old-keys';
import { findKeyOrAlias } from '../keys/find-key.js';
import { assertState } from '../keys/key-state.js';
import { assertUsage } from '../keys/key-usage.js';
import { currentMaterial, type KmsKey } from '../keys/kms-key.js';
import { validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { endDryRun, refuseRecipient, toBase64, unsupported } from './common.js';

type DataKeyOperation =
  | 'GenerateDataKey'
  | 'GenerateDataKeyWithoutPlaintext'
  | 'GenerateDataKeyPair'
  | 'GenerateDataKeyPairWithoutPlaintext';

/** [GenerateDataKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html) */
export async function generateDataKey(request: RequestOf<'GenerateDataKey'>, region: Region) {
  refuseRecipient(request);
  const key = await wrappingKey('GenerateDataKey', request.KeyId, region);
  const input = dataKeyInput(request, key.id);
  endDryRun(request);
  using dataKey = await region.provider.generateDataKey(input);
  return {
    CiphertextBlob: toBase64(dataKey.ciphertext),
    Plaintext: toBase64(dataKey.plaintext),
    KeyId: dataKey.keyId,
    KeyMaterialId: currentMaterial(key)?.id,
  };
}

/** [GenerateDataKeyWithoutPlaintext](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html) */
export async function generateDataKeyWithoutPlaintext(
  request: RequestOf<'GenerateDataKeyWithoutPlaintext'>,
  region: Region,
) {
  const key = await wrappingKey('GenerateDataKeyWithoutPlaintext', request.KeyId, region);
  const input = dataKeyInput(request, key.id);
  endDryRun(request);
  const { ciphertext, keyId } = await region.provider.generateDataKeyWithoutPlaintext(input);
  return {
    CiphertextBlob: toBase64(ciphertext),
    KeyId: keyId,
    KeyMaterialId: currentMaterial(key)?.id,
  };
}

/** [GenerateDataKeyPair](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html) */
export async function generateDataKeyPair(
  request: RequestOf<'GenerateDataKeyPair'>,
  region: Region,
) {
  refuseRecipient(request);
  const key = await wrappingKey('GenerateDataKeyPair', request.KeyId, region);
  const input = dataKeyPairInput(request, key.id);
  endDryRun(request);
  using pair = await region.provider.generateDataKeyPair(input);
  return {
    PrivateKeyCiphertextBlob: toBase64(pair.privateKeyCiphertext),
    PrivateKeyPlaintext: toBase64(pair.privateKey),
    PublicKey: toBase64(pair.publicKey),
    KeyId: pair.keyId,
    KeyPairSpec: input.keyPairSpec,
    KeyMaterialId: currentMaterial(key)?.id,
  };
}

/** [GenerateDataKeyPairWithoutPlaintext](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPairWithoutPlaintext.html) */
export async function generateDataKeyPairWithoutPlaintext(
  request: RequestOf<'GenerateDataKeyPairWithoutPlaintext'>,
  region: Region,
) {
  const key = await wrappingKey('GenerateDataKeyPairWithoutPlaintext', request.KeyId, region);
  const input = dataKeyPairInput(request, key.id);
  endDryRun(request);
  const pair = await region.provider.generateDataKeyPairWithoutPlaintext(input);
  return {
    PrivateKeyCiphertextBlob: toBase64(pair.privateKeyCiphertext),
    PublicKey: toBase64(pair.publicKey),
    KeyId: pair.keyId,
    KeyPairSpec: input.keyPairSpec,
    KeyMaterialId: currentMaterial(key)?.id,
  };
}

function wrappingKey(
  operation: DataKeyOperation,
  keyId: string,
  { keys }: Region,
): Awaitable<KmsKey> {
  return andThen(findKeyOrAlias(keys, keyId), (key) => {
    assertUsage(operation, key, keys, 'ENCRYPT_DECRYPT', 'SYMMETRIC_DEFAULT');
    assertState(operation, key, keys);
    return key;
  });
}

function dataKeyInput(
  request: RequestOf<'GenerateDataKeyWithoutPlaintext'>,
  keyId: string,
): GenerateDataKeyInput {
  const { KeySpec: keySpec, NumberOfBytes: numberOfBytes, EncryptionContext } = request;
  const encryptionContext = EncryptionContext ?? {};
  if (keySpec !== undefined && numberOfBytes === undefined) {
    return { keyId, encryptionContext, keySpec };
  }
  if (numberOfBytes !== undefined && keySpec === undefined) {
    return { keyId, encryptionContext, numberOfBytes };
  }
  throw validationError('Please specify either number of bytes or key spec.');
}

function dataKeyPairInput(
  request: RequestOf<'GenerateDataKeyPairWithoutPlaintext'>,
  keyId: string,
) {
  const { KeyPairSpec: keyPairSpec, EncryptionContext: encryptionContext = {} } = request;
  if (isDataKeyPairSpec(keyPairSpec)) return { keyId, encryptionContext, keyPairSpec };
  throw unsupported(`KeyPairSpec ${keyPairSpec} is not supported by this server.`);
}
