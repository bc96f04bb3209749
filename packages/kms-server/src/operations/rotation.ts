import { UnsupportedOperationError } from '@keywrap/core';
import {
  arnOf,
  assertState,
  assertSymmetric,
  daysAfter,
  isPendingDeletion,
  type KeyRecord,
  type Keys,
  type KeyVersion,
  newestVersion,
  newSymmetricVersion,
  rotated,
  rotatedToPending,
  withAutomaticRotation,
} from '@keywrap/provider-local/keys';
import { findKey } from '../keys/find-key.js';
import { isSymmetric, toSeconds } from '../keys/key-metadata.js';
import { KmsError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import { unsupported } from './members.js';
import { pageOf } from './page.js';

/** [RotateKeyOnDemand](https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html) says how often. */
const MAXIMUM_ON_DEMAND = 25;

/** [EnableKeyRotation](https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html) */
export async function EnableKeyRotation(
  { KeyId, RotationPeriodInDays: periodInDays = 365 }: RequestOf<'EnableKeyRotation'>,
  { keys }: Region,
) {
  const nextDate = daysAfter(keys.now(), periodInDays);
  await changeRotation(await findKey(keys, KeyId), keys, (key) =>
    withAutomaticRotation(key, { periodInDays, nextDate }),
  );
}

/** [DisableKeyRotation](https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html) */
export async function DisableKeyRotation(
  { KeyId }: RequestOf<'DisableKeyRotation'>,
  { keys }: Region,
) {
  await changeRotation(await findKey(keys, KeyId), keys, (key) =>
    withAutomaticRotation(key, undefined),
  );
}

/** [GetKeyRotationStatus](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html) */
export async function GetKeyRotationStatus(
  { KeyId }: RequestOf<'GetKeyRotationStatus'>,
  { keys }: Region,
) {
  const key = await findKey(keys, KeyId);
  const { automaticRotation } = key;
  // Other keys than symmetric ones, and those with imported material, never rotate by themselves; and none does
  // while it is pending deletion.
  if (automaticRotation === undefined || isPendingDeletion(key)) {
    return { KeyId: arnOf(key), KeyRotationEnabled: false };
  }
  return {
    KeyId: arnOf(key),
    KeyRotationEnabled: true,
    RotationPeriodInDays: automaticRotation.periodInDays,
    NextRotationDate: toSeconds(automaticRotation.nextDate),
  };
}

/** [RotateKeyOnDemand](https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html) */
export async function RotateKeyOnDemand(
  { KeyId }: RequestOf<'RotateKeyOnDemand'>,
  { keys }: Region,
) {
  const key = await findKey(keys, KeyId);
  const date = keys.now();
  const offered = key.origin === 'AWS_KMS' ? await newSymmetricVersion(key.id) : undefined;
  await changeRotation(
    key,
    keys,
    (current) => {
      assertOnDemandLimit(current);
      return offered === undefined
        ? rotatedToPending(current, date)
        : rotated(current, offered, { date, type: 'ON_DEMAND' });
    },
    offered,
  );
  return { KeyId: arnOf(key) };
}

/** [ListKeyRotations](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html) */
export async function ListKeyRotations(request: RequestOf<'ListKeyRotations'>, { keys }: Region) {
  const key = await findKey(keys, request.KeyId);
  assertRotates(key);
  const { versions, pendingVersion } = key;
  const listed =
    request.IncludeKeyMaterial === 'ALL_KEY_MATERIAL'
      ? [...versions, ...(pendingVersion === undefined ? [] : [pendingVersion])]
      : versions.filter(({ rotation }) => rotation !== undefined);
  const { items, members } = await pageOf(request, listed, {
    name: 'rotations',
    nameOf: ({ version }) => String(version).padStart(10, '0'),
    byDefault: 100,
    maximum: 1000,
  });
  return { Rotations: items.map((version) => describeRotation(key, version)), ...members };
}

/** [RotationsListEntry](https://docs.aws.amazon.com/kms/latest/APIReference/API_RotationsListEntry.html) */
function describeRotation(key: KeyRecord, version: KeyVersion): object {
  const { materialId, rotation } = version;
  return {
    KeyId: key.id,
    KeyMaterialId: materialId,
    ...(key.origin === 'EXTERNAL' && describeImport(version)),
    KeyMaterialState: materialState(key, version),
    ...(rotation && { RotationDate: toSeconds(rotation.date), RotationType: rotation.type }),
  };
}

function materialState(key: KeyRecord, version: KeyVersion): string {
  if (version === key.pendingVersion) return 'PENDING_ROTATION';
  return version === newestVersion(key) ? 'CURRENT' : 'NON_CURRENT';
}

function describeImport({ material, description, validTo }: KeyVersion): object {
  if (material === undefined) {
    return { KeyMaterialDescription: description, ImportState: 'PENDING_IMPORT' };
  }
  return {
    KeyMaterialDescription: description,
    ImportState: 'IMPORTED',
    ...(validTo === undefined
      ? { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }
      : { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: toSeconds(validTo) }),
  };
}

/** @param offered As for {@link Keys.change}. */
async function changeRotation(
  key: KeyRecord,
  keys: Keys,
  transition: (current: KeyRecord) => KeyRecord,
  offered?: KeyVersion,
): Promise<void> {
  try {
    await keys.change(
      key,
      (current) => {
        assertPrimary(current);
        return transition(current);
      },
      offered,
    );
  } catch (error) {
    if (error instanceof UnsupportedOperationError) assertRotates(key);
    throw error;
  }
}

/** Without a message, as in KMS. @throws KmsError `UnsupportedOperationException` */
function assertRotates(key: KeyRecord): void {
  if (!isSymmetric(key)) throw unsupported('');
}

/** Replicas rotate with their primary ([rotation](https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html#multi-region-rotate)). */
function assertPrimary(key: KeyRecord): void {
  const { primaryRegion, scope } = key;
  if (primaryRegion === undefined || primaryRegion === scope.region) return;
  throw unsupported(
    `${arnOf(key)} is a replica key; rotate its primary key in ${primaryRegion} instead.`,
  );
}

function assertOnDemandLimit(key: KeyRecord): void {
  assertState(key, ['Enabled']);
  assertSymmetric(key);
  const onDemand = key.versions.filter(({ rotation }) => rotation?.type === 'ON_DEMAND');
  if (onDemand.length < MAXIMUM_ON_DEMAND) return;
  throw new KmsError(
    'LimitExceededException',
    `The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${arnOf(key)}`,
  );
}
