import type { RegionKeys } from './key-store.js';
import { describeAlgorithms } from './key-usage.js';
import { currentMaterial, isSymmetric, type KmsKey } from './kms-key.js';

/** A time as the JSON protocol has it: seconds since 1970. */
export function toSeconds(date: Date): number {
  return date.getTime() / 1000;
}

/** [KeyMetadata](https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html) */
export function keyMetadata(key: KmsKey, keys: RegionKeys): object {
  return {
    AWSAccountId: keys.scope.account,
    KeyId: key.id,
    Arn: keys.arnOf(key),
    CreationDate: toSeconds(key.creationDate),
    Enabled: key.keyState === 'Enabled',
    Description: key.description,
    KeyUsage: key.keyUsage,
    KeyState: key.keyState,
    ...(key.deletionDate && { DeletionDate: toSeconds(key.deletionDate) }),
    Origin: key.origin,
    ...expiration(key),
    KeyManager: 'CUSTOMER',
    CustomerMasterKeySpec: key.keySpec,
    KeySpec: key.keySpec,
    ...describeAlgorithms(key),
    MultiRegion: key.multiRegion,
    ...(key.multiRegion && multiRegionConfiguration(key, keys)),
    ...(isSymmetric(key) &&
      currentMaterial(key) && { CurrentKeyMaterialId: currentMaterial(key)?.id }),
  };
}

/** Only of imported material that is here; the earliest date counts. */
function expiration({ origin, materials }: KmsKey): object {
  if (origin !== 'EXTERNAL' || materials.length === 0) return {};
  const dates = materials.map(({ validTo }) => validTo?.getTime() ?? Number.POSITIVE_INFINITY);
  const earliest = Math.min(...dates);
  return Number.isFinite(earliest)
    ? { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: earliest / 1000 }
    : { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };
}

function multiRegionConfiguration(key: KmsKey, keys: RegionKeys): object {
  return {
    MultiRegionConfiguration: {
      MultiRegionKeyType: 'PRIMARY',
      PrimaryKey: { Arn: keys.arnOf(key), Region: keys.scope.region },
      ReplicaKeys: [],
    },
  };
}
