import { createPrivateKey } from 'node:crypto';
import { InvalidInputError, isDataKeyPairSpec, type KeySpec, wipe } from '@keywrap/core';
import { parseMaterial } from '@keywrap/provider-local/driver';
import {
  arnOf,
  assertImportable,
  assertOrigin,
  daysAfter,
  imported,
  type KeyRecord,
  materialDeleted,
  type NewMaterial,
  newVersion,
} from '@keywrap/provider-local/keys';
import type { Client } from '../key-pairs.js';
import { findKey } from '../keys/find-key.js';
import type { WrappingAlgorithm } from '../keys/import-token.js';
import { currentMaterialId, isSymmetric, toSeconds } from '../keys/key-metadata.js';
import { unwrap } from '../keys/unwrap.js';
import { KmsError, validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import { toBase64, unsupported } from './members.js';

/** [GetParametersForImport](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html) */
export async function GetParametersForImport(
  request: RequestOf<'GetParametersForImport'>,
  { keys, keyPairs, tokens }: Region,
  client: Client,
) {
  const { WrappingAlgorithm: wrappingAlgorithm, WrappingKeySpec: wrappingKeySpec } = request;
  const key = await findKey(keys, request.KeyId);
  assertImportable(key);
  if (wrappingKeySpec === 'SM2' || !isWrappingAlgorithm(wrappingAlgorithm)) {
    throw unsupported(`${wrappingAlgorithm} with ${wrappingKeySpec} is not supported.`);
  }
  assertWraps(wrappingAlgorithm, wrappingKeySpec, key.keySpec);
  const { privateKey, publicKey } = await keyPairs.for(client).generateKeyPair(wrappingKeySpec);
  const validTo = daysAfter(keys.now(), 1);
  const token = tokens.seal(arnOf(key), { wrappingAlgorithm, validTo, privateKey });
  wipe(privateKey);
  return {
    KeyId: arnOf(key),
    ImportToken: toBase64(token),
    PublicKey: toBase64(publicKey),
    ParametersValidTo: toSeconds(validTo),
  };
}

/** [ImportKeyMaterial](https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html) */
export async function ImportKeyMaterial(
  request: RequestOf<'ImportKeyMaterial'>,
  { keys, cipher, tokens }: Region,
) {
  const { ImportType: importType, KeyMaterialId: materialId } = request;
  const { KeyMaterialDescription: description, ValidTo: validTo } = request;
  const key = await findKey(keys, request.KeyId);
  assertImportable(key);
  assertDetails(request, key, keys.now());
  const parameters = tokens.open(request.ImportToken, arnOf(key), keys.now());
  const bytes = await unwrap(cipher.engine, parameters, request.EncryptedKeyMaterial).finally(() =>
    wipe(parameters.privateKey),
  );
  if (bytes === undefined) throw new KmsError('InvalidCiphertextException');
  const material = await parseImported(key, bytes).finally(() => wipe(bytes));
  const version = await newVersion(key.id, material, { validTo, description });
  try {
    await keys.change(
      key,
      (current) => imported(current, version, { importType, materialId }),
      version,
    );
  } catch (error) {
    if (error instanceof InvalidInputError) throw incorrectMaterial();
    throw error;
  }
  return { KeyId: arnOf(key), ...(isSymmetric(key) && { KeyMaterialId: version.materialId }) };
}

/** [DeleteImportedKeyMaterial](https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html) */
export async function DeleteImportedKeyMaterial(
  request: RequestOf<'DeleteImportedKeyMaterial'>,
  { keys }: Region,
) {
  const found = await findKey(keys, request.KeyId);
  assertOrigin(found, 'EXTERNAL');
  const key = await keys.change(found, (current) =>
    materialDeleted(current, request.KeyMaterialId),
  );
  const KeyMaterialId = request.KeyMaterialId ?? currentMaterialId(key);
  return { KeyId: arnOf(key), ...(isSymmetric(key) && { KeyMaterialId }) };
}

/**
 * Parses unwrapped material: the bytes of a symmetric or HMAC key, or the DER of PKCS#8.
 *
 * @throws KmsError `IncorrectKeyMaterialException`
 */
async function parseImported(
  { keySpec }: Pick<KeyRecord, 'keySpec'>,
  bytes: Uint8Array,
): Promise<NewMaterial> {
  // provider-local accepts many more encodings than KMS.
  if (isDataKeyPairSpec(keySpec) && !isPkcs8(bytes)) throw incorrectMaterial();
  try {
    return await parseMaterial(keySpec, bytes, undefined);
  } catch (error) {
    throw error instanceof InvalidInputError ? incorrectMaterial() : error;
  }
}

function isPkcs8(bytes: Uint8Array): boolean {
  try {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    return true;
  } catch {
    return false;
  }
}

/** Material expires unless the request says otherwise. */
function assertDetails(request: RequestOf<'ImportKeyMaterial'>, key: KeyRecord, now: Date): void {
  const { ExpirationModel = 'KEY_MATERIAL_EXPIRES', ValidTo: validTo } = request;
  if (ExpirationModel === 'KEY_MATERIAL_EXPIRES') {
    if (validTo === undefined) {
      throw validationError(
        'A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES',
      );
    }
    if (validTo <= now || validTo > daysAfter(now, 365)) {
      throw validationError('The validTo date must be in the future, and within 365 days.');
    }
  } else if (validTo !== undefined) {
    throw validationError(
      'A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE',
    );
  }
  const { ImportType, KeyMaterialId, KeyMaterialDescription } = request;
  if (!isSymmetric(key) && (ImportType ?? KeyMaterialId ?? KeyMaterialDescription) !== undefined) {
    throw validationError(
      'ImportType, KeyMaterialId and KeyMaterialDescription are only valid for symmetric encryption keys.',
    );
  }
  if (ImportType === 'NEW_KEY_MATERIAL' && KeyMaterialId !== undefined) {
    throw validationError('KeyMaterialId is not valid with the ImportType NEW_KEY_MATERIAL.');
  }
}

function incorrectMaterial(): KmsError {
  return new KmsError('IncorrectKeyMaterialException');
}

/**
 * Rejects what is not in the table of
 * [wrapping algorithms](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html#KMS-GetParametersForImport-request-WrappingAlgorithm):
 * RSA wraps symmetric and HMAC keys, an AES key wraps RSA keys, and either wraps ECC keys, unless they are too long.
 *
 * @throws KmsError `UnsupportedOperationException`
 */
function assertWraps(
  algorithm: WrappingAlgorithm,
  wrappingKeySpec: string,
  keySpec: KeySpec,
): void {
  const isDirect = algorithm.startsWith('RSAES_OAEP_');
  const isTooLong =
    keySpec.startsWith('RSA_') || (keySpec === 'ECC_NIST_P521' && wrappingKeySpec === 'RSA_2048');
  const wraps = isDirect ? !isTooLong : isDataKeyPairSpec(keySpec);
  if (wraps) return;
  throw unsupported(
    `${algorithm} with ${wrappingKeySpec} can not wrap the key material of a key with the key spec ${keySpec}.`,
  );
}

/** RSAES_PKCS1_V1_5 was withdrawn in 2023, and SM2PKE is for the Regions in China. */
function isWrappingAlgorithm(algorithm: string): algorithm is WrappingAlgorithm {
  return algorithm.startsWith('RSAES_OAEP_') || algorithm.startsWith('RSA_AES_KEY_WRAP_');
}
