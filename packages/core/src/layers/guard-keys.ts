import {
  type CompleteDriver,
  type DriverFunctions,
  FUNCTION_NAMES,
  type FunctionName,
} from '../driver/driver.js';
import type { Awaitable, Call, KeyRequest, ReEncryptRequest } from '../driver/requests.js';
import type { KeyName } from '../provider/key-id.js';

/** Decides which key a call may use. */
export interface KeyGuard {
  /** The key to use for the one that the caller named. Throws where it may not be used. */
  resolve(key: KeyName): KeyName;
  /**
   * What to do where the caller named no key, and the ciphertext would choose it: call `attempt` with the
   * keys to try, or throw.
   *
   * @param destination Of `reEncrypt`, resolved.
   */
  search<Output>(
    attempt: (key: KeyName) => Awaitable<Output>,
    destination: KeyName | undefined,
  ): Awaitable<Output>;
}

/**
 * Lets a driver use no key but those that a guard resolved, in every operation and on either side of
 * `reEncrypt`. Keys can't be managed through it.
 *
 * @example A layer that keeps each service to its own keys:
 * ```ts
 * import { AccessDeniedError, type CompleteDriver, guardKeys } from '@keywrap/core';
 *
 * const onlyAliases = (inner: CompleteDriver): CompleteDriver =>
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
export function guardKeys(inner: CompleteDriver, guard: KeyGuard): CompleteDriver {
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
  return { ...inner, ...(Object.fromEntries(guarded) as unknown as DriverFunctions), keys: {} };
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
