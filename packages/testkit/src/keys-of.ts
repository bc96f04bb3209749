import type { AliasInput, KeyInput } from '@keywrap/core';
import type { ConformanceKeyRequest, ConformanceKeys } from './harness.js';

/** The methods of a `KeyManager` that the suite uses. Only `createKey` is required. */
export interface TestableKeyManager {
  createKey(input: ConformanceKeyRequest): Promise<{ readonly keyId: string }>;
  createAlias?(input: AliasInput): Promise<unknown>;
  disableKey?(input: KeyInput): Promise<unknown>;
  enableKey?(input: KeyInput): Promise<unknown>;
  scheduleKeyDeletion?(input: KeyInput): Promise<unknown>;
  cancelKeyDeletion?(input: KeyInput): Promise<unknown>;
  rotateKey?(input: KeyInput): Promise<unknown>;
  updateAlias?(input: AliasInput): Promise<unknown>;
}

/**
 * Makes the `keys` of a harness from a provider that is a `KeyManager`. Methods that the manager does not have are
 * omitted, and the cases that need them are not applicable.
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
  const { createAlias, disableKey, enableKey, rotateKey, updateAlias } = manager;
  const { scheduleKeyDeletion, cancelKeyDeletion } = manager;
  return {
    create: (request) => manager.createKey(request),
    ...(createAlias && { alias: (alias, keyId) => createAlias.call(manager, { alias, keyId }) }),
    ...(disableKey && { disable: (keyId) => disableKey.call(manager, { keyId }) }),
    ...(enableKey && { enable: (keyId) => enableKey.call(manager, { keyId }) }),
    ...(scheduleKeyDeletion && {
      scheduleDeletion: (keyId) => scheduleKeyDeletion.call(manager, { keyId }),
    }),
    ...(cancelKeyDeletion && {
      cancelDeletion: (keyId) => cancelKeyDeletion.call(manager, { keyId }),
    }),
    ...(rotateKey && { rotate: (keyId) => rotateKey.call(manager, { keyId }) }),
    ...(updateAlias && {
      moveAlias: (alias, keyId) => updateAlias.call(manager, { alias, keyId }),
    }),
  };
}
