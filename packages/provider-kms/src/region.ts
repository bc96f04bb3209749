import { InvalidInputError, type KeyName, type ReEncryptRequest } from '@keywrap/core';

// One label of a host name (RFC 1123 §2.1), because the endpoint of a region is kms.<region>.<suffix>.
const REGION = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Returns true if this can be the name of a region, for example `eu-west-1`. */
export function isRegion(value: unknown): value is string {
  return typeof value === 'string' && REGION.test(value);
}

/**
 * Returns the region of a key ARN or an alias ARN, and `undefined` for a key id, an alias name or no
 * identifier.
 *
 * @param field The name of the input in errors.
 * @throws {@link InvalidInputError} when the ARN's region can't be a region. ARNs come from outside, and the
 * region becomes part of the host name that the plaintext is sent to.
 */
export function regionOf(key: KeyName | undefined, field = 'keyId'): string | undefined {
  if (key?.kind !== 'key-arn' && key?.kind !== 'alias-arn') return undefined;
  if (!isRegion(key.region)) {
    throw new InvalidInputError(field, 'is an ARN whose region is not the name of an AWS region');
  }
  return key.region;
}

/**
 * Returns the region to re-encrypt in: the destination's, or else the source's.
 *
 * @throws {@link InvalidInputError} when they differ: KMS re-encrypts within a region.
 */
export function regionOfBoth({ source, destination }: ReEncryptRequest): string | undefined {
  const from = regionOf(source.key, 'source.keyId');
  const to = regionOf(destination.key, 'destination.keyId');
  if (from !== undefined && to !== undefined && from !== to) {
    throw new InvalidInputError(
      'destination.keyId',
      `is in ${to} and the source in ${from}, but AWS KMS re-encrypts within one region; use reEncryptAcross`,
    );
  }
  return to ?? from;
}
