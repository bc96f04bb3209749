import {
  type CompleteDriver,
  type DriverFunctions,
  FUNCTION_NAMES,
  type FunctionName,
} from '../driver/driver.js';
import type { Awaitable, Call, KeyRequest, ReEncryptRequest } from '../driver/requests.js';
import { assertMethods } from '../provider/assert-provider.js';
import { UnsupportedOperationError } from '../provider/errors.js';
import type { KeyName } from '../provider/key-id.js';

/** Decides which keys a call may use. */
export interface KeyGuard {
  /** Returns the key to use for the one that the caller named, or throws if it may not be used. */
  resolve(key: KeyName): KeyName;
  /**
   * Handles a call without a key, where the ciphertext would choose one: calls `attempt` with the keys to try,
   * or throws.
   *
   * @param destination Of `reEncrypt`, resolved.
   */
  search<Output>(
    attempt: (key: KeyName) => Awaitable<Output>,
    destination: KeyName | undefined,
  ): Awaitable<Output>;
}

/**
 * Restricts a driver to the keys that a guard resolved, in every operation and on both sides of `reEncrypt`.
 * Operations that manage keys are refused (`UNSUPPORTED`): use the provider below the layer for them.
 *
 * @throws {@link InvalidInputError} when the guard lacks a method.
 *
 * @example A layer that keeps each service to its own keys:
 * ```ts
 * import { AccessDeniedError, guardKeys, type Layer } from '@keywrap/core';
 *
 * const onlyAliases: Layer = (inner) =>
 *   guardKeys(inner, {
 *     resolve(key) {
 *       if (key.kind === 'alias-name' && key.alias.startsWith('alias/orders/')) return key;
 *       throw new AccessDeniedError('name a key by its alias: alias/orders/...');
 *     },
 *     search() {
 *       throw new AccessDeniedError('name the key');
 *     },
 *   });
 * ```
 */
export function guardKeys<Keys extends object>(
  inner: CompleteDriver<Keys>,
  guard: KeyGuard,
): CompleteDriver<Keys> {
  assertMethods(guard, ['resolve', 'search'], 'guard', 'must be a KeyGuard');
  const guarded = FUNCTION_NAMES.map((name) => {
    const work = inner[name] as (request: never, call: Call) => Awaitable<unknown>;
    return [
      name,
      async (request: KeyRequest | ReEncryptRequest, call: Call) => {
        const use = (resolved: object) => work(resolved as never, call);
        if (isReEncrypt(request)) return guardSides(request, guard, use);
        const { key } = request as { readonly key: KeyName | undefined };
        if (key !== undefined) return use({ ...request, key: guard.resolve(key) });
        return guard.search((candidate) => use({ ...request, key: candidate }), undefined);
      },
    ] satisfies [FunctionName, unknown];
  });
  const managing = Object.keys(inner.keys).map((name) => [name, refuseToManage]);
  return {
    ...inner,
    ...(Object.fromEntries(guarded) as unknown as DriverFunctions),
    keys: Object.fromEntries(managing) as Keys,
  };
}

function refuseToManage(): never {
  throw new UnsupportedOperationError(
    'keys are not managed through a layer that guards them; use the provider below it',
  );
}

function isReEncrypt(request: KeyRequest | ReEncryptRequest): request is ReEncryptRequest {
  return Object.hasOwn(request, 'destination');
}

function guardSides(
  request: ReEncryptRequest,
  guard: KeyGuard,
  use: (resolved: ReEncryptRequest) => Awaitable<unknown>,
): Awaitable<unknown> {
  const { source } = request;
  const key = guard.resolve(request.destination.key);
  const destination = { ...request.destination, key };
  const from = (candidate: KeyName) =>
    use({ ...request, source: { ...source, key: candidate }, destination });
  return source.key === undefined ? guard.search(from, key) : from(guard.resolve(source.key));
}
