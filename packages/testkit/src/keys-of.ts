import type { KeyManager } from '@keywrap/core';
import type { ConformanceKeys } from './harness.js';

/**
 * The keys of a provider that is a `KeyManager`: all that a harness has to say about them.
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
export function keysOf(manager: KeyManager): ConformanceKeys {
  return {
    create: (request) => manager.createKey(request),
    alias: (alias, keyId) => manager.createAlias({ alias, keyId }),
    disable: (keyId) => manager.disableKey({ keyId }),
    enable: (keyId) => manager.enableKey({ keyId }),
    scheduleDeletion: (keyId) => manager.scheduleKeyDeletion({ keyId }),
    rotate: (keyId) => manager.rotateKey({ keyId }),
  };
}
