import { blob, boolean, integer, list, oneOf, string, stringMap, timestamp } from './shapes.js';
import { required, structure } from './structure.js';

// The request of every operation, with the constraints of KMS's service model. The names and numbers are
// those of the API reference: https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html

const keyId = string({ min: 1, max: 2048 });
const aliasName = string({ min: 1, max: 256, pattern: '^[a-zA-Z0-9:/_-]+$' });
const grantTokens = list(string({ min: 1, max: 8192 }), { max: 10 });
const ciphertext = blob({ min: 1, max: 6144 });
const message = blob({ min: 1, max: 4096 });
const numberOfBytes = integer({ min: 1, max: 1024 });
const keyMaterialId = string({ min: 64, max: 64, pattern: '^[a-f0-9]+$' });
const policyName = string({ min: 1, max: 128, pattern: String.raw`[\w]+` });
const policy = string({
  min: 1,
  max: 131072,
  pattern: String.raw`[\u0009\u000A\u000D\u0020-\u00FF]+`,
});
const description = string({ max: 8192 });
const tagKey = string({ min: 1, max: 128 });
const tags = list(
  structure({ TagKey: required(tagKey), TagValue: required(string({ max: 256 })) }),
);
const dataKeySpec = oneOf('AES_256', 'AES_128');
const keyPairSpec = oneOf(
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'SM2',
  'ECC_NIST_EDWARDS25519',
);
const encryptionAlgorithm = oneOf(
  'SYMMETRIC_DEFAULT',
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'SM2PKE',
);
const signingAlgorithm = oneOf(
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'ECDSA_SHA_256',
  'ECDSA_SHA_384',
  'ECDSA_SHA_512',
  'SM2DSA',
  'ML_DSA_SHAKE_256',
  'ED25519_SHA_512',
  'ED25519_PH_SHA_512',
);
const messageType = oneOf('RAW', 'DIGEST', 'EXTERNAL_MU');
const macAlgorithm = oneOf('HMAC_SHA_224', 'HMAC_SHA_256', 'HMAC_SHA_384', 'HMAC_SHA_512');
const keySpec = oneOf(
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'SYMMETRIC_DEFAULT',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
  'SM2',
  'ML_DSA_44',
  'ML_DSA_65',
  'ML_DSA_87',
  'ECC_NIST_EDWARDS25519',
);
const recipient = structure({
  KeyEncryptionAlgorithm: oneOf('RSAES_OAEP_SHA_256'),
  AttestationDocument: blob({ min: 1, max: 262144 }),
});
const dryRunModifiers = list(oneOf('IGNORE_CIPHERTEXT'));
const page = {
  Limit: integer({ min: 1, max: 1000 }),
  Marker: string({ min: 1, max: 1024, pattern: String.raw`[\u0020-\u00FF]*` }),
};
const oneKey = structure({ KeyId: required(keyId) });
const dataKey = {
  KeyId: required(keyId),
  EncryptionContext: stringMap,
  NumberOfBytes: numberOfBytes,
  KeySpec: dataKeySpec,
  GrantTokens: grantTokens,
  DryRun: boolean,
};
const dataKeyPair = {
  KeyId: required(keyId),
  EncryptionContext: stringMap,
  KeyPairSpec: required(keyPairSpec),
  GrantTokens: grantTokens,
  DryRun: boolean,
};
const alias = structure({ AliasName: required(aliasName), TargetKeyId: required(keyId) });

/** The requests of the implemented operations. */
export const REQUESTS = {
  CancelKeyDeletion: oneKey,
  CreateAlias: alias,
  CreateKey: structure({
    Policy: policy,
    Description: description,
    KeyUsage: oneOf('SIGN_VERIFY', 'ENCRYPT_DECRYPT', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT'),
    CustomerMasterKeySpec: keySpec,
    KeySpec: keySpec,
    Origin: oneOf('AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'),
    CustomKeyStoreId: string({ min: 1, max: 64 }),
    BypassPolicyLockoutSafetyCheck: boolean,
    Tags: tags,
    MultiRegion: boolean,
    XksKeyId: string({ min: 1, max: 128, pattern: '^[a-zA-Z0-9-_.]+$' }),
  }),
  Decrypt: structure({
    CiphertextBlob: ciphertext,
    EncryptionContext: stringMap,
    GrantTokens: grantTokens,
    KeyId: keyId,
    EncryptionAlgorithm: encryptionAlgorithm,
    Recipient: recipient,
    DryRun: boolean,
    DryRunModifiers: dryRunModifiers,
  }),
  DeleteAlias: structure({ AliasName: required(aliasName) }),
  DeleteImportedKeyMaterial: structure({ KeyId: required(keyId), KeyMaterialId: keyMaterialId }),
  DescribeKey: structure({ KeyId: required(keyId), GrantTokens: grantTokens }),
  DisableKey: oneKey,
  DisableKeyRotation: oneKey,
  EnableKey: oneKey,
  EnableKeyRotation: structure({
    KeyId: required(keyId),
    RotationPeriodInDays: integer({ min: 90, max: 2560 }),
  }),
  Encrypt: structure({
    KeyId: required(keyId),
    Plaintext: required(message),
    EncryptionContext: stringMap,
    GrantTokens: grantTokens,
    EncryptionAlgorithm: encryptionAlgorithm,
    DryRun: boolean,
  }),
  GenerateDataKey: structure({ ...dataKey, Recipient: recipient }),
  GenerateDataKeyPair: structure({ ...dataKeyPair, Recipient: recipient }),
  GenerateDataKeyPairWithoutPlaintext: structure(dataKeyPair),
  GenerateDataKeyWithoutPlaintext: structure(dataKey),
  GenerateMac: structure({
    Message: required(message),
    KeyId: required(keyId),
    MacAlgorithm: required(macAlgorithm),
    GrantTokens: grantTokens,
    DryRun: boolean,
  }),
  GenerateRandom: structure({
    NumberOfBytes: numberOfBytes,
    CustomKeyStoreId: string({ min: 1, max: 64 }),
    Recipient: recipient,
  }),
  GetKeyPolicy: structure({ KeyId: required(keyId), PolicyName: policyName }),
  GetKeyRotationStatus: oneKey,
  GetParametersForImport: structure({
    KeyId: required(keyId),
    WrappingAlgorithm: required(
      oneOf(
        'RSAES_PKCS1_V1_5',
        'RSAES_OAEP_SHA_1',
        'RSAES_OAEP_SHA_256',
        'RSA_AES_KEY_WRAP_SHA_1',
        'RSA_AES_KEY_WRAP_SHA_256',
        'SM2PKE',
      ),
    ),
    WrappingKeySpec: required(oneOf('RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2')),
  }),
  GetPublicKey: structure({ KeyId: required(keyId), GrantTokens: grantTokens }),
  ImportKeyMaterial: structure({
    KeyId: required(keyId),
    ImportToken: required(ciphertext),
    EncryptedKeyMaterial: required(ciphertext),
    ValidTo: timestamp,
    ExpirationModel: oneOf('KEY_MATERIAL_EXPIRES', 'KEY_MATERIAL_DOES_NOT_EXPIRE'),
    ImportType: oneOf('NEW_KEY_MATERIAL', 'EXISTING_KEY_MATERIAL'),
    KeyMaterialDescription: string({ max: 256, pattern: String.raw`^[a-zA-Z0-9:/_\s.-]+$` }),
    KeyMaterialId: keyMaterialId,
  }),
  ListAliases: structure({ KeyId: keyId, ...page }),
  ListKeyPolicies: structure({ KeyId: required(keyId), ...page }),
  ListKeyRotations: structure({
    KeyId: required(keyId),
    IncludeKeyMaterial: oneOf('ALL_KEY_MATERIAL', 'ROTATIONS_ONLY'),
    ...page,
  }),
  ListKeys: structure(page),
  ListResourceTags: structure({ KeyId: required(keyId), ...page }),
  PutKeyPolicy: structure({
    KeyId: required(keyId),
    PolicyName: policyName,
    Policy: required(policy),
    BypassPolicyLockoutSafetyCheck: boolean,
  }),
  ReEncrypt: structure({
    CiphertextBlob: ciphertext,
    SourceEncryptionContext: stringMap,
    SourceKeyId: keyId,
    DestinationKeyId: required(keyId),
    DestinationEncryptionContext: stringMap,
    SourceEncryptionAlgorithm: encryptionAlgorithm,
    DestinationEncryptionAlgorithm: encryptionAlgorithm,
    GrantTokens: grantTokens,
    DryRun: boolean,
    DryRunModifiers: dryRunModifiers,
  }),
  RotateKeyOnDemand: oneKey,
  ScheduleKeyDeletion: structure({
    KeyId: required(keyId),
    PendingWindowInDays: integer({ min: 1, max: 365 }),
  }),
  Sign: structure({
    KeyId: required(keyId),
    Message: required(message),
    MessageType: messageType,
    GrantTokens: grantTokens,
    SigningAlgorithm: required(signingAlgorithm),
    DryRun: boolean,
  }),
  TagResource: structure({ KeyId: required(keyId), Tags: required(tags) }),
  UntagResource: structure({ KeyId: required(keyId), TagKeys: required(list(tagKey)) }),
  UpdateAlias: alias,
  UpdateKeyDescription: structure({
    KeyId: required(keyId),
    Description: required(description),
  }),
  Verify: structure({
    KeyId: required(keyId),
    Message: required(message),
    MessageType: messageType,
    Signature: required(ciphertext),
    SigningAlgorithm: required(signingAlgorithm),
    GrantTokens: grantTokens,
    DryRun: boolean,
  }),
  VerifyMac: structure({
    Message: required(message),
    KeyId: required(keyId),
    MacAlgorithm: required(macAlgorithm),
    Mac: required(ciphertext),
    GrantTokens: grantTokens,
    DryRun: boolean,
  }),
};

/** The implemented operations. */
export type OperationName = keyof typeof REQUESTS;

/** The parsed request of an operation. */
export type RequestOf<Name extends OperationName> = ReturnType<(typeof REQUESTS)[Name]['parse']>;

/** The operations that AWS KMS has and this server does not. */
export const NOT_IMPLEMENTED: ReadonlySet<string> = new Set([
  'ConnectCustomKeyStore',
  'CreateCustomKeyStore',
  'CreateGrant',
  'DeleteCustomKeyStore',
  'DeriveSharedSecret',
  'DescribeCustomKeyStores',
  'DisconnectCustomKeyStore',
  'GetKeyLastUsage',
  'ListGrants',
  'ListRetirableGrants',
  'ReplicateKey',
  'RetireGrant',
  'RevokeGrant',
  'UpdateCustomKeyStore',
  'UpdatePrimaryRegion',
]);
