import { isKeySpec, type KeySpec, type KeyUsage, keyUsagesOf } from '@keywrap/core';
import { makeMaterial } from '@keywrap/provider-local/driver';
import { newKey, newKeyId, newVersion } from '@keywrap/provider-local/keys';
import type { Client } from '../key-pairs.js';
import { keyMetadata } from '../keys/key-metadata.js';
import { assertPolicy } from '../keys/policy.js';
import { withTags } from '../keys/tags.js';
import { validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import { customKeyStoreNotFound, unsupported } from './members.js';

type Request = RequestOf<'CreateKey'>;

/** [CreateKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html) */
export async function CreateKey(request: Request, { keys, keyPairs }: Region, client: Client) {
  const keySpec = parseKeySpec(request);
  const keyUsage = parseKeyUsage(request, keySpec);
  const origin = parseOrigin(request);
  const { Policy: policy, BypassPolicyLockoutSafetyCheck, Description, MultiRegion } = request;
  if (policy !== undefined) assertPolicy(policy, BypassPolicyLockoutSafetyCheck);
  const tags = withTags([], request.Tags ?? []);
  const id = newKeyId(MultiRegion);
  const material =
    origin === 'AWS_KMS' ? await makeMaterial(keyPairs.for(client), keySpec) : undefined;
  const version = material && (await newVersion(id, material));
  const about = { keySpec, keyUsage, origin, description: Description ?? '', tags, policy };
  const key = newKey({ scope: keys.scope, id, version, creationDate: keys.now(), ...about });
  return { KeyMetadata: await keyMetadata(await keys.add(key), keys) };
}

function parseKeySpec({ KeySpec, CustomerMasterKeySpec }: Request): KeySpec {
  if (KeySpec !== undefined && CustomerMasterKeySpec !== undefined) {
    throw validationError(
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    );
  }
  const spec = KeySpec ?? CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT';
  if (isKeySpec(spec)) return spec;
  throw unsupported(`KeySpec ${spec} is not supported by this server.`);
}

function parseKeyUsage({ KeyUsage }: Request, keySpec: KeySpec): KeyUsage {
  if (KeyUsage === undefined) {
    if (keySpec === 'SYMMETRIC_DEFAULT') return 'ENCRYPT_DECRYPT';
    throw validationError(
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    );
  }
  const usage = keyUsagesOf(keySpec).find((candidate) => candidate === KeyUsage);
  if (usage !== undefined) return usage;
  throw validationError(`KeyUsage ${KeyUsage} is not compatible with KeySpec ${keySpec}`);
}

function parseOrigin({ Origin = 'AWS_KMS', CustomKeyStoreId, XksKeyId }: Request) {
  if (CustomKeyStoreId !== undefined) throw customKeyStoreNotFound(CustomKeyStoreId);
  if (Origin !== 'AWS_KMS' && Origin !== 'EXTERNAL') {
    throw validationError(`You must specify a CustomKeyStoreId value for the Origin ${Origin}.`);
  }
  if (XksKeyId === undefined) return Origin;
  throw validationError('XksKeyId is only valid for the Origin EXTERNAL_KEY_STORE.');
}
