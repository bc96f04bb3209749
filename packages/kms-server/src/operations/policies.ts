import { findKey } from '../keys/find-key.js';
import { assertPolicy } from '../keys/policy.js';
import { KmsError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { page } from './page.js';

/** A key has one policy, and this is its name. */
const DEFAULT = 'default';

/** [GetKeyPolicy](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html) */
export async function getKeyPolicy(request: RequestOf<'GetKeyPolicy'>, { keys }: Region) {
  const { policy } = await findKey(keys, request.KeyId);
  assertPolicyName(request.PolicyName);
  return { Policy: policy, PolicyName: DEFAULT };
}

/** [PutKeyPolicy](https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html) */
export async function putKeyPolicy(request: RequestOf<'PutKeyPolicy'>, { keys }: Region) {
  const { id } = await findKey(keys, request.KeyId);
  assertPolicyName(request.PolicyName);
  assertPolicy(request.Policy, request.BypassPolicyLockoutSafetyCheck);
  await keys.change(id, (key) => ({ ...key, policy: request.Policy }));
}

/** [ListKeyPolicies](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html) */
export async function listKeyPolicies(request: RequestOf<'ListKeyPolicies'>, { keys }: Region) {
  await findKey(keys, request.KeyId);
  const { items, members } = page([DEFAULT], request, {
    list: 'policies',
    nameOf: (name) => name,
    byDefault: 100,
    maximum: 1000,
  });
  return { PolicyNames: items, ...members };
}

function assertPolicyName(name: string = DEFAULT): void {
  if (name !== DEFAULT) throw new KmsError('NotFoundException', 'No such policy exists');
}
