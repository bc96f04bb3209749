import {
  type CompleteDriver,
  type DriverFunctions,
  FUNCTION_NAMES,
  type KeyFunctions,
} from '../driver/driver.js';
import type { Awaitable, Call, Target } from '../driver/requests.js';
import { assertFunction } from '../provider/assert-provider.js';
import { isAsymmetricAlgorithm } from '../provider/key-spec.js';
import { ownField } from '../provider/own-fields.js';

/**
 * Runs around a call.
 *
 * @param operation The public method, for example `decryptAsymmetric` or `rotateKey`.
 * @param request The driver's request; `key` names the key, if there is one.
 * @param next Calls the inner driver, and resolves to its output.
 * @returns The output.
 */
export type Around = <Output>(
  operation: string,
  request: object,
  call: Call,
  next: () => Promise<Output>,
) => Awaitable<Output>;

/**
 * Wraps every operation of a driver, including those that manage keys, in a function.
 *
 * @throws {@link InvalidInputError} when `around` is not a function.
 *
 * @example A circuit breaker, of cockatiel or another library:
 * ```ts
 * import { aroundEach, type Layer } from '@keywrap/core';
 *
 * interface Policy {
 *   execute<T>(work: () => Promise<T>): Promise<T>;
 * }
 *
 * const circuitBreaker =
 *   (policy: Policy): Layer =>
 *   (inner) =>
 *     aroundEach(inner, (_operation, _request, _call, next) => policy.execute(next));
 * ```
 */
export function aroundEach<Keys extends object>(
  inner: CompleteDriver<Keys>,
  around: Around,
): CompleteDriver<Keys> {
  assertFunction(around, 'around');
  const wrap = (name: string, work: (request: never, call: Call) => unknown) => [
    name,
    (request: object, call: Call) =>
      around(methodOf(name, request), request, call, async () => work(request as never, call)),
  ];
  const functions = FUNCTION_NAMES.map((name) => wrap(name, inner[name]));
  const keys = Object.entries(inner.keys as KeyFunctions).map(([name, work]) => wrap(name, work));
  return {
    ...inner,
    ...(Object.fromEntries(functions) as DriverFunctions),
    keys: Object.fromEntries(keys) as Keys,
  };
}

/** A driver's `decrypt` serves two methods of a provider. */
function methodOf(name: string, request: object): string {
  const isAsymmetric =
    name === 'decrypt' && isAsymmetricAlgorithm(`${ownField(request as Target, 'algorithm')}`);
  return isAsymmetric ? 'decryptAsymmetric' : name;
}
