import {
  assertProvider,
  DriverProvider,
  InvalidInputError,
  type KeyWrapProvider,
  parseKeyId,
  readFields,
} from '@keywrap/core';
import { type CircuitBreakerOptions, withCircuitBreaker } from '../circuit-breaker.js';
import { type KeysOf, type MemberKey, type Members, severalKeysDriver } from './driver.js';

export type { MemberKey } from './driver.js';

/** Options of {@link SeveralKeysProvider}. */
export interface SeveralKeysProviderOptions {
  /**
   * The keys of each name, such as `orders` or `alias/orders`: 1 to 4, the nearest first, because decrypting tries them
   * in this order. Or a function that returns them, and undefined for a name without keys.
   */
  readonly keys:
    | Readonly<Record<string, readonly MemberKey[]>>
    | ((name: string) => readonly MemberKey[] | undefined);
  /** When to stop calling a provider that fails. */
  readonly circuitBreaker?: CircuitBreakerOptions | undefined;
}

const MAXIMUM_KEYS = 4;

/** Puts a circuit breaker around a provider, one for all its keys. Messages name it by the first of them. */
type Guard = (provider: KeyWrapProvider, firstKey: string) => KeyWrapProvider;

/**
 * Wraps under several keys, of one or of different backends: two Regions, two clouds, KMS and an HSM. Any one of them
 * opens, so that an outage of the others does not stop a service; all of them have to be there to wrap.
 *
 * A ciphertext is a message of the AWS Encryption SDK (`@keywrap/envelope`), which authenticates all wrapped data keys. A
 * plaintext is at most 1024 bytes, an encryption context at most 3584 bytes when serialised. The names of its pairs
 * must not begin with `aws-crypto-`.
 *
 * Closing it closes the providers.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { SeveralKeysProvider } from '@keywrap/resilience';
 *
 * const twoClouds = (near: KeyWrapProvider, far: KeyWrapProvider) =>
 *   new SeveralKeysProvider({
 *     keys: {
 *       orders: [
 *         { provider: near, keyId: 'alias/orders' },
 *         { provider: far, keyId: 'orders' },
 *       ],
 *     },
 *   });
 * // twoClouds(...).generateDataKey({ keyId: 'orders', keySpec: 'AES_256' })
 * ```
 */
export class SeveralKeysProvider extends DriverProvider {
  /** @throws {@link InvalidInputError} when an option is wrong or unknown. */
  constructor(options: SeveralKeysProviderOptions) {
    const { keys, circuitBreaker } = readFields(options, 'options', ['keys', 'circuitBreaker']);
    const guarded = new Map<KeyWrapProvider, KeyWrapProvider>();
    const guard: Guard = (provider, firstKey) => {
      const known = guarded.get(provider);
      if (known !== undefined) return known;
      const made = withCircuitBreaker(
        provider,
        circuitBreaker as CircuitBreakerOptions | undefined,
        `${provider.id} of ${firstKey}`,
      );
      guarded.set(provider, made);
      return made;
    };
    super(severalKeysDriver(readKeys(keys, guard), guarded));
  }
}

function readKeys(value: unknown, guard: Guard): KeysOf {
  if (typeof value === 'function') {
    return (name) => {
      const list: unknown = value(name);
      return list === undefined ? undefined : readMembers(list, `options.keys(${name})`, guard);
    };
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) {
    throw new InvalidInputError(
      'options.keys',
      'must be an object with a list of keys for each name',
    );
  }
  const byName = Object.entries(value).map(([name, list]: [string, unknown]) => {
    const field = `options.keys.${name}`;
    if (parseKeyId(name, field).kind.endsWith('arn')) {
      throw new InvalidInputError(field, 'must be a name, and not an ARN');
    }
    return [name, readMembers(list, field, guard)] as const;
  });
  const map = new Map(byName);
  return (name) => map.get(name);
}

function readMembers(list: unknown, field: string, guard: Guard): Members {
  if (!Array.isArray(list) || list.length === 0 || list.length > MAXIMUM_KEYS) {
    throw new InvalidInputError(field, `must be an array of 1 to ${MAXIMUM_KEYS} keys`);
  }
  const members = list.map((member, i) => readMember(member, `${field}.${i}`, guard));
  return members as [MemberKey, ...MemberKey[]];
}

function readMember(value: unknown, field: string, guard: Guard): MemberKey {
  const { provider, keyId } = readFields(value, field, ['provider', 'keyId']);
  assertProvider(provider, `${field}.provider`);
  return { provider: guard(provider, field), keyId: parseKeyId(keyId, `${field}.keyId`).text };
}
