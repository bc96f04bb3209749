import {
  type CompleteDriver,
  type DriverFunctions,
  FUNCTION_NAMES,
  formatKeyArn,
  InvalidInputError,
  type KeyName,
  type KeyWrapProvider,
  parseKeyId,
  withLayer,
} from '@keywrap/core';

/**
 * Uses the replica of an AWS KMS multi-Region key in the service's own Region, where an ARN names one in another Region.
 * Replicas open each other's ciphertexts
 * ([multi-Region keys](https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html)).
 *
 * @param region The service's Region. The key needs a replica there.
 * @throws {@link InvalidInputError} when the region is malformed.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { withNearestReplica } from '@keywrap/resilience';
 *
 * const near = (keys: KeyWrapProvider) => withNearestReplica(keys, 'eu-west-1');
 * ```
 */
export function withNearestReplica<Provider extends KeyWrapProvider>(
  provider: Provider,
  region: string,
): Provider {
  if (typeof region !== 'string' || !/^[a-z0-9-]+$/.test(region)) {
    throw new InvalidInputError('region', 'must be the name of an AWS region: eu-west-1');
  }
  const near = (name: KeyName): KeyName => {
    if (name.kind !== 'key-arn' || !name.id.startsWith('mrk-') || name.region === region)
      return name;
    return parseKeyId(formatKeyArn(name.id, { ...name, region }));
  };
  return withLayer(provider, (inner) => ({ ...inner, ...moved(inner, near) }));
}

interface Request {
  readonly key?: KeyName | undefined;
  readonly source?: { readonly key: KeyName | undefined };
  readonly destination?: { readonly key: KeyName };
}

function moved(inner: CompleteDriver, near: (name: KeyName) => KeyName): DriverFunctions {
  const inside = <Part extends { readonly key?: KeyName | undefined }>(part: Part): Part =>
    part.key === undefined ? part : { ...part, key: near(part.key) };
  const functions = FUNCTION_NAMES.map((name) => {
    const work = inner[name] as (request: object, call: object) => unknown;
    const move = (request: Request, call: object) => {
      const { source, destination } = request;
      if (source === undefined || destination === undefined) return work(inside(request), call);
      const sides = { source: inside(source), destination: inside(destination) };
      return work({ ...request, ...sides }, call);
    };
    return [name, move];
  });
  return Object.fromEntries(functions) as DriverFunctions;
}
