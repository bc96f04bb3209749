import { wipe } from '@keywrap/core';
import { makeMaterial, selectEngine } from '@keywrap/provider-local/old-keys';
import { unwrap } from '../crypto/unwrap.js';
import { findKey } from '../keys/find-key.js';
import type { ImportTokens, WrappingAlgorithm } from '../keys/import-token.js';
import { readImported, withImported } from '../keys/imported-material.js';
import { toSeconds } from '../keys/key-metadata.js';
import { assertState } from '../keys/key-state.js';
import { currentMaterial, isSymmetric, type KmsKey } from '../keys/kms-key.js';
import { describeMaterial } from '../keys/material.js';
import { daysAfter, withoutMaterials } from '../keys/passing-time.js';
import { KmsError, validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { toBase64, unsupported } from './common.js';

type ImportOperation = 'GetParametersForImport' | 'ImportKeyMaterial' | 'DeleteImportedKeyMaterial';

/** [GetParametersForImport](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html) */
export async function getParametersForImport(
  request: RequestOf<'GetParametersForImport'>,
  region: Region,
  tokens: ImportTokens,
) {
  const { WrappingAlgorithm: wrappingAlgorithm, WrappingKeySpec: wrappingKeySpec } = request;
  const key = await findImportable('GetParametersForImport', request.KeyId, region);
  if (wrappingKeySpec === 'SM2' || !isWrappingAlgorithm(wrappingAlgorithm)) {
    throw unsupported(`${wrappingAlgorithm} with ${wrappingKeySpec} is not supported.`);
  }
  const { material, publicKey } = await makeMaterial(await selectEngine('node'), wrappingKeySpec);
  const validTo = daysAfter(region.keys.now(), 1);
  const token = tokens.seal({ keyId: key.id, wrappingAlgorithm, validTo, privateKey: material });
  wipe(material);
  return {
    KeyId: region.keys.arnOf(key),
    ImportToken: toBase64(token),
    PublicKey: toBase64(publicKey as Uint8Array),
    ParametersValidTo: toSeconds(validTo),
  };
}

/** [ImportKeyMaterial](https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html) */
export async function importKeyMaterial(
  request: RequestOf<'ImportKeyMaterial'>,
  region: Region,
  tokens: ImportTokens,
) {
  const { keys } = region;
  const key = await findImportable('ImportKeyMaterial', request.KeyId, region);
  const details = readDetails(request, key, keys.now());
  const parameters = tokens.open(request.ImportToken, key.id, keys.now());
  const { wrappingAlgorithm, privateKey } = parameters;
  const bytes = await unwrap(wrappingAlgorithm, privateKey, request.EncryptedKeyMaterial).finally(
    () => wipe(privateKey),
  );
  if (bytes === undefined) throw new KmsError('InvalidCiphertextException');
  const { validTo, description } = details;
  const read = await readImported(key, bytes).finally(() => wipe(bytes));
  const material = describeMaterial(key.id, read, { validTo, description });
  let isKept = false;
  try {
    const { materials, pendingMaterial } = await keys.change(key.id, (current) => {
      assertState('ImportKeyMaterial', current, keys); // It may have changed while this was unwrapped.
      return withImported(current, material, details, keys);
    });
    isKept = [...materials, pendingMaterial].some((kept) => kept?.material === material.material);
  } finally {
    if (!isKept) wipe(material.material);
  }
  return { KeyId: keys.arnOf(key), ...(isSymmetric(key) && { KeyMaterialId: material.id }) };
}

/** [DeleteImportedKeyMaterial](https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html) */
export async function deleteImportedKeyMaterial(
  request: RequestOf<'DeleteImportedKeyMaterial'>,
  region: Region,
) {
  const { keys } = region;
  const key = await findImportable('DeleteImportedKeyMaterial', request.KeyId, region);
  const { KeyMaterialId } = request;
  let id: string | undefined;
  await keys.change(key.id, (current) => {
    assertState('DeleteImportedKeyMaterial', current, keys);
    if (KeyMaterialId !== undefined && !hasMaterial(current, KeyMaterialId)) {
      throw new KmsError('NotFoundException', `Key material ${KeyMaterialId} does not exist`);
    }
    id = KeyMaterialId ?? currentMaterial(current)?.id;
    if (id === undefined) return current;
    return current.pendingMaterial?.id === id
      ? { ...current, pendingMaterial: undefined }
      : withoutMaterials(current, [id]);
  });
  return {
    KeyId: keys.arnOf(key),
    ...(isSymmetric(key) && id !== undefined && { KeyMaterialId: id }),
  };
}

function hasMaterial({ materials, missing, pendingMaterial }: KmsKey, wanted: string): boolean {
  return [...materials, ...missing, pendingMaterial].some((material) => material?.id === wanted);
}

/** Only EXTERNAL keys take material from outside. */
async function findImportable(
  operation: ImportOperation,
  keyId: string,
  { keys }: Region,
): Promise<KmsKey> {
  const key = await findKey(keys, keyId);
  if (key.origin !== 'EXTERNAL') {
    throw unsupported(
      `${keys.arnOf(key)} origin is ${key.origin} which is not valid for this operation.`,
    );
  }
  assertState(operation, key, keys);
  return key;
}

/** Material expires unless the request says otherwise. */
function readDetails(request: RequestOf<'ImportKeyMaterial'>, key: KmsKey, now: Date) {
  const { ExpirationModel = 'KEY_MATERIAL_EXPIRES', ValidTo: validTo } = request;
  const details = {
    validTo,
    importType: request.ImportType,
    keyMaterialId: request.KeyMaterialId,
    description: request.KeyMaterialDescription,
  };
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
  const { importType, keyMaterialId, description } = details;
  if (!isSymmetric(key) && (importType ?? keyMaterialId ?? description) !== undefined) {
    throw validationError(
      'ImportType, KeyMaterialId and KeyMaterialDescription are only valid for symmetric encryption keys.',
    );
  }
  if (importType === 'NEW_KEY_MATERIAL' && keyMaterialId !== undefined) {
    throw validationError('KeyMaterialId is not valid with the ImportType NEW_KEY_MATERIAL.');
  }
  return details;
}

/** RSAES_PKCS1_V1_5 was withdrawn in 2023, and SM2PKE is of the China Regions. */
function isWrappingAlgorithm(algorithm: string): algorithm is WrappingAlgorithm {
  return algorithm.startsWith('RSAES_OAEP_') || algorithm.startsWith('RSA_AES_KEY_WRAP_');
}
