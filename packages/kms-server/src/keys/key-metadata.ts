import { algorithmsOf, type KeyUsage } from '@keywrap/core';
import { arnOf, type KeyRecord, type Keys, newestVersion } from '@keywrap/provider-local/keys';

/** Converts a time to that of the JSON protocol: seconds since 1970. */
export function toSeconds(date: Date): number {
  return date.getTime() / 1000;
}

/** Tells whether this is a symmetric encryption key: only these rotate, wrap data keys, and have material ids. */
export function isSymmetric({ keySpec }: Pick<KeyRecord, 'keySpec'>): boolean {
  return keySpec === 'SYMMETRIC_DEFAULT';
}

/** Returns KMS's id of the material that encrypts; undefined before the first import. */
export function currentMaterialId(key: KeyRecord): string | undefined {
  return newestVersion(key)?.materialId;
}

/** [KeyMetadata](https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html) */
export async function keyMetadata(key: KeyRecord, keys: Keys): Promise<object> {
  const isMultiRegion = key.primaryRegion !== undefined;
  return {
    AWSAccountId: key.scope.account,
    KeyId: key.id,
    Arn: arnOf(key),
    CreationDate: toSeconds(key.creationDate),
    Enabled: key.keyState === 'Enabled',
    Description: key.description,
    KeyUsage: key.keyUsage,
    KeyState: key.keyState,
    DeletionDate: key.deletionDate && toSeconds(key.deletionDate),
    PendingDeletionWindowInDays: key.pendingWindowInDays,
    Origin: key.origin,
    ...expiration(key),
    KeyManager: 'CUSTOMER',
    CustomerMasterKeySpec: key.keySpec,
    KeySpec: key.keySpec,
    ...algorithmsMember(key),
    MultiRegion: isMultiRegion,
    ...(isMultiRegion && { MultiRegionConfiguration: await multiRegionConfiguration(key, keys) }),
    ...(isSymmetric(key) && { CurrentKeyMaterialId: currentMaterialId(key) }),
  };
}

const ALGORITHMS = {
  ENCRYPT_DECRYPT: 'EncryptionAlgorithms',
  SIGN_VERIFY: 'SigningAlgorithms',
  GENERATE_VERIFY_MAC: 'MacAlgorithms',
  KEY_AGREEMENT: 'KeyAgreementAlgorithms',
} as const satisfies Record<KeyUsage, string>;

/** Returns the algorithms of a key, in the response member for its usage. */
export function algorithmsMember({ keySpec, keyUsage }: KeyRecord): object {
  return { [ALGORITHMS[keyUsage]]: algorithmsOf(keySpec, keyUsage) };
}

/** Returns the earliest expiry of imported material that is not missing. */
function expiration({ origin, versions }: KeyRecord): object {
  const present = versions.filter(({ material }) => material !== undefined);
  if (origin !== 'EXTERNAL' || present.length === 0) return {};
  const dates = present.map(({ validTo }) => validTo?.getTime() ?? Number.POSITIVE_INFINITY);
  const earliest = Math.min(...dates);
  return Number.isFinite(earliest)
    ? { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: earliest / 1000 }
    : { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };
}

/** [MultiRegionConfiguration](https://docs.aws.amazon.com/kms/latest/APIReference/API_MultiRegionConfiguration.html) */
async function multiRegionConfiguration(key: KeyRecord, keys: Keys): Promise<object> {
  const { id, primaryRegion: region = '', scope } = key;
  const primary = { id, scope: { ...scope, region } };
  const replicas = [...(await keys.replicasOf(primary))];
  replicas.sort((a, b) => (a.scope.region < b.scope.region ? -1 : 1));
  const describe = (other: Pick<KeyRecord, 'id' | 'scope'>) => ({
    Arn: arnOf(other),
    Region: other.scope.region,
  });
  return {
    MultiRegionKeyType: scope.region === region ? 'PRIMARY' : 'REPLICA',
    PrimaryKey: describe(primary),
    ReplicaKeys: replicas.map(describe),
  };
}
