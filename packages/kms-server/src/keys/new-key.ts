import { type ArnScope, isDataKeyPairSpec, type KeySpec, keyUsagesOf } from '@keywrap/core';
import { makeMaterial, selectEngine } from '@keywrap/provider-local/old-keys';
import { KmsError, validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import { type KmsKey, UNSET } from './kms-key.js';
import { describeMaterial } from './material.js';
import { assertPolicy, defaultPolicy } from './policy.js';
import { withTags } from './tags.js';

/**
 * Makes the key that a CreateKey request asks for
 * ([CreateKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html)).
 *
 * @throws KmsError `ValidationException`, `UnsupportedOperationException`, `TagException`,
 * `MalformedPolicyDocumentException`, `LimitExceededException`, `CustomKeyStoreNotFoundException`
 */
export async function newKey(
  request: RequestOf<'CreateKey'>,
  scope: ArnScope,
  now: Date,
): Promise<KmsKey> {
  const keySpec = readKeySpec(request);
  const keyUsage = readKeyUsage(request, keySpec);
  const origin = readOrigin(request);
  const { Policy, BypassPolicyLockoutSafetyCheck, MultiRegion: multiRegion = false } = request;
  if (Policy !== undefined) assertPolicy(Policy, BypassPolicyLockoutSafetyCheck);
  const tags = withTags([], request.Tags ?? []);
  const id = newKeyId(multiRegion);
  return {
    ...UNSET,
    id,
    keySpec,
    keyUsage,
    origin,
    keyState: origin === 'EXTERNAL' ? 'PendingImport' : 'Enabled',
    description: request.Description ?? '',
    creationDate: now,
    materials: origin === 'EXTERNAL' ? [] : [await newMaterial(id, keySpec)],
    missing: [],
    multiRegion,
    tags,
    policy: Policy ?? defaultPolicy(scope),
    aliasDates: {},
  };
}

async function newMaterial(id: string, keySpec: KeySpec) {
  return describeMaterial(id, await makeMaterial(await selectEngine('node'), keySpec));
}

/** [Multi-Region keys](https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html) have ids of their own form. */
function newKeyId(multiRegion: boolean): string {
  const uuid = crypto.randomUUID();
  return multiRegion ? `mrk-${uuid.replaceAll('-', '')}` : uuid;
}

function readKeySpec(request: RequestOf<'CreateKey'>): KeySpec {
  const { KeySpec, CustomerMasterKeySpec } = request;
  if (KeySpec !== undefined && CustomerMasterKeySpec !== undefined) {
    throw validationError(
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    );
  }
  const spec = KeySpec ?? CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT';
  const isKnown =
    isDataKeyPairSpec(spec) || spec === 'SYMMETRIC_DEFAULT' || spec.startsWith('HMAC_');
  if (isKnown) return spec as KeySpec;
  throw new KmsError(
    'UnsupportedOperationException',
    `KeySpec ${spec} is not supported by this server.`,
  );
}

function readKeyUsage({ KeyUsage }: RequestOf<'CreateKey'>, keySpec: KeySpec) {
  if (KeyUsage === undefined) {
    if (keySpec === 'SYMMETRIC_DEFAULT') return 'ENCRYPT_DECRYPT';
    throw validationError(
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    );
  }
  if (keyUsagesOf(keySpec).includes(KeyUsage)) return KeyUsage;
  throw validationError(`KeyUsage ${KeyUsage} is not compatible with KeySpec ${keySpec}`);
}

function readOrigin({ Origin = 'AWS_KMS', CustomKeyStoreId, XksKeyId }: RequestOf<'CreateKey'>) {
  if (CustomKeyStoreId !== undefined) {
    throw new KmsError(
      'CustomKeyStoreNotFoundException',
      `Custom key store ${CustomKeyStoreId} does not exist.`,
    );
  }
  if (Origin !== 'AWS_KMS' && Origin !== 'EXTERNAL') {
    throw validationError(`You must specify a CustomKeyStoreId value for the Origin ${Origin}.`);
  }
  if (XksKeyId === undefined) return Origin;
  throw validationError('XksKeyId is only valid for the Origin EXTERNAL_KEY_STORE.');
}
