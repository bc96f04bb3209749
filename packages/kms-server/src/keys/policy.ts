import type { KeyRecord } from '@keywrap/provider-local/keys';
import { KmsError } from '../protocol/kms-error.js';
import { isObject } from '../protocol/shapes.js';

/** [Quota](https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html), in bytes. */
const MAXIMUM_SIZE = 32 * 1024;

/** Returns the policy of a key: as it was put, or the default of keys created through the API. */
export function policyOf({ policy, scope: { partition, account } }: KeyRecord): string {
  if (policy !== undefined) return policy;
  const statement = {
    Sid: 'Enable IAM User Permissions',
    Effect: 'Allow',
    Principal: { AWS: `arn:${partition}:iam::${account}:root` },
    Action: 'kms:*',
    Resource: '*',
  };
  return JSON.stringify(
    { Version: '2012-10-17', Id: 'key-default-1', Statement: [statement] },
    null,
    2,
  );
}

/**
 * Rejects malformed key policies, and those that would let no one change them again. Policies are stored,
 * not enforced.
 *
 * @param bypassSafetyCheck Accepts a policy that lets no one change it again.
 * @throws KmsError `MalformedPolicyDocumentException`, `LimitExceededException`
 */
export function assertPolicy(policy: string, bypassSafetyCheck = false): void {
  if (Buffer.byteLength(policy) > MAXIMUM_SIZE) {
    throw new KmsError(
      'LimitExceededException',
      `The key policy is longer than ${MAXIMUM_SIZE} bytes.`,
    );
  }
  const statements = parseStatements(policy);
  if (statements === undefined) throw malformed('Policy contains invalid json');
  if (!statements.every(isStatement)) {
    throw malformed('Policy contains a statement that is not valid');
  }
  if (!bypassSafetyCheck && !statements.some(allowsPutKeyPolicy)) {
    throw malformed(
      'The new key policy will not allow you to update the key policy in the future.',
    );
  }
}

interface Statement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
}

/** Parses the statements. A single one may be without a list. */
function parseStatements(policy: string): readonly unknown[] | undefined {
  try {
    const document: unknown = JSON.parse(policy);
    if (!isObject(document) || document.Statement === undefined) return undefined;
    return [document.Statement].flat();
  } catch {
    return undefined;
  }
}

function isStatement(value: unknown): value is Statement {
  if (!isObject(value)) return false;
  const hasPrincipal = value.Principal !== undefined || value.NotPrincipal !== undefined;
  const actions = [value.Action ?? value.NotAction].flat();
  return (
    (value.Effect === 'Allow' || value.Effect === 'Deny') &&
    hasPrincipal &&
    actions.every((action) => typeof action === 'string')
  );
}

function allowsPutKeyPolicy({ Effect, Action = [] }: Statement): boolean {
  const patterns = [Action].flat() as string[];
  return Effect === 'Allow' && patterns.some((pattern) => matches(pattern, 'kms:putkeypolicy'));
}

/**
 * Compares by the wildcards of IAM: `*` for any characters and `?` for one; case does not matter. Not by a
 * regular expression: one with many stars would try every way to divide the action among them.
 */
function matches(pattern: string, action: string): boolean {
  // The places in the action where the pattern that was read so far may end.
  let ends = new Set([0]);
  for (const character of pattern.toLowerCase()) {
    if (character === '*') {
      const first = Math.min(...ends);
      ends = new Set(Array.from({ length: action.length - first + 1 }, (_, i) => first + i));
    } else {
      const fits = (end: number) =>
        end < action.length && (character === '?' || character === action[end]);
      ends = new Set([...ends].filter(fits).map((end) => end + 1));
      if (ends.size === 0) return false;
    }
  }
  return ends.has(action.length);
}

function malformed(message: string): KmsError {
  return new KmsError('MalformedPolicyDocumentException', message);
}
