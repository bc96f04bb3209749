import { findKey } from '../keys/find-key.js';
import { assertPolicy, policyOf } from '../keys/policy.js';
import { KmsError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import { pageOf } from './page.js';

/** A key has one policy, and this is its name. */
const DEFAULT = 'default';

/** [GetKeyPolicy](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html) */
export async function GetKeyPolicy(request: RequestOf<'GetKeyPolicy'>, { keys }: Region) {
  const key = await findKey(keys, request.KeyId);
  assertPolicyName(request.PolicyName);
  return { Policy: policyOf(key), PolicyName: DEFAULT };
}

/** [PutKeyPolicy](https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html) */
export async function PutKeyPolicy(request: RequestOf<'PutKeyPolicy'>, { keys }: Region) {
  const { KeyId, PolicyName, Policy: policy, BypassPolicyLockoutSafetyCheck } = request;
  const key = await findKey(keys, KeyId);
  assertPolicyName(PolicyName);
  assertPolicy(policy, BypassPolicyLockoutSafetyCheck);
  await keys.change(key, (current) => ({ ...current, policy }));
}

/** [ListKeyPolicies](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html) */
export async function ListKeyPolicies(request: RequestOf<'ListKeyPolicies'>, { keys }: Region) {
  await findKey(keys, request.KeyId);
  const { items, members } = await pageOf(request, [DEFAULT], {
    name: 'policies',
    nameOf: (name) => name,
    byDefault: 100,
    maximum: 1000,
  });
  return { PolicyNames: items, ...members };
}

function assertPolicyName(name: string = DEFAULT): void {
  if (name !== DEFAULT) throw new KmsError('NotFoundException', 'No such policy exists');
}
