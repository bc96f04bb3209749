import type { ImportTokens } from '../keys/import-token.js';
import type { OperationName, RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { createAlias, deleteAlias, listAliases, updateAlias } from './aliases.js';
import {
  generateDataKey,
  generateDataKeyPair,
  generateDataKeyPairWithoutPlaintext,
  generateDataKeyWithoutPlaintext,
} from './data-keys.js';
import { decrypt, encrypt, reEncrypt } from './encryption.js';
import { deleteImportedKeyMaterial, getParametersForImport, importKeyMaterial } from './import.js';
import {
  cancelKeyDeletion,
  createKey,
  describeKey,
  disableKey,
  enableKey,
  getPublicKey,
  listKeys,
  scheduleKeyDeletion,
  updateKeyDescription,
} from './keys.js';
import { generateMac, verifyMac } from './macs.js';
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from './policies.js';
import { generateRandom } from './random.js';
import {
  disableKeyRotation,
  enableKeyRotation,
  getKeyRotationStatus,
  listKeyRotations,
  rotateKeyOnDemand,
} from './rotation.js';
import { sign, verify } from './signing.js';
import { listResourceTags, tagResource, untagResource } from './tags.js';

/** Does an operation with a request that has been checked; answers with the members of the response, if it has any. */
export type Handler<Name extends OperationName> = (
  request: RequestOf<Name>,
  region: Region,
  tokens: ImportTokens,
) => unknown;

/** How each operation is done. */
export const HANDLERS: { readonly [Name in OperationName]: Handler<Name> } = {
  CancelKeyDeletion: cancelKeyDeletion,
  CreateAlias: createAlias,
  CreateKey: createKey,
  Decrypt: decrypt,
  DeleteAlias: deleteAlias,
  DeleteImportedKeyMaterial: deleteImportedKeyMaterial,
  DescribeKey: describeKey,
  DisableKey: disableKey,
  DisableKeyRotation: disableKeyRotation,
  EnableKey: enableKey,
  EnableKeyRotation: enableKeyRotation,
  Encrypt: encrypt,
  GenerateDataKey: generateDataKey,
  GenerateDataKeyPair: generateDataKeyPair,
  GenerateDataKeyPairWithoutPlaintext: generateDataKeyPairWithoutPlaintext,
  GenerateDataKeyWithoutPlaintext: generateDataKeyWithoutPlaintext,
  GenerateMac: generateMac,
  GenerateRandom: generateRandom,
  GetKeyPolicy: getKeyPolicy,
  GetKeyRotationStatus: getKeyRotationStatus,
  GetParametersForImport: getParametersForImport,
  GetPublicKey: getPublicKey,
  ImportKeyMaterial: importKeyMaterial,
  ListAliases: listAliases,
  ListKeyPolicies: listKeyPolicies,
  ListKeyRotations: listKeyRotations,
  ListKeys: listKeys,
  ListResourceTags: listResourceTags,
  PutKeyPolicy: putKeyPolicy,
  ReEncrypt: reEncrypt,
  RotateKeyOnDemand: rotateKeyOnDemand,
  ScheduleKeyDeletion: scheduleKeyDeletion,
  Sign: sign,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateAlias: updateAlias,
  UpdateKeyDescription: updateKeyDescription,
  Verify: verify,
  VerifyMac: verifyMac,
};
