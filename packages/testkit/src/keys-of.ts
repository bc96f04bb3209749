import type { AliasInput, KeyInput } from '@keywrap/core';
import type { ConformanceKeyRequest, ConformanceKeys } from './harness.js';

/** What the suite uses of a `KeyManager`. Only `createKey` has to be there. */
export interface TestableKeyManager {
  createKey(input: ConformanceKeyRequest): Promise<{ readonly keyId: string }>;
  createAlias?(input: AliasInput): Promise<unknown>;
  disableKey?(input: KeyInput): Promise<unknown>;
  enableKey?(input: KeyInput): Promise<unknown>;
  scheduleKeyDeletion?(input: KeyInput): Promise<unknown>;
  rotateKey?(input: KeyInput): Promise<unknown>;
}

/**
 * The keys of a provider that is a `KeyManager`: all that a harness has to say about them. What the
 * manager does not have is left out, and the cases that need it are not applicable.
 *
 * @example
 * ```ts
 * import type { KeyManager } from '@keywrap/core';
 * import { type ConformanceKeys, keysOf } from '@keywrap/testkit';
 *
 * declare const manager: KeyManager;
 * const keys: ConformanceKeys = keysOf(manager);
 * ```
 */
export function keysOf(manager: TestableKeyManager): ConformanceKeys {
  const { createAlias, disableKey, enableKey, scheduleKeyDeletion, rotateKey } = manager;
  return {
    create: (request) => manager.createKey(request),
    ...(createAlias && { alias: (alias, keyId) => createAlias.call(manager, { alias, keyId }) }),
    ...(disableKey && { disable: (keyId) => disableKey.call(manager, { keyId }) }),
    ...(enableKey && { enable: (keyId) => enableKey.call(manager, { keyId }) }),
    ...(scheduleKeyDeletion && {
      scheduleDeletion: (keyId) => scheduleKeyDeletion.call(manager, { keyId }),
    }),
    ...(rotateKey && { rotate: (keyId) => rotateKey.call(manager, { keyId }) }),
  };
}
