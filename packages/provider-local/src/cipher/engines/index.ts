import { UnsupportedOperationError } from '@keywrap/core';
import type { CryptoEngine } from './engine.js';

export type * from './engine.js';

/**
 * Which engine to use. `auto` takes `node` where node:crypto is there, as node-forge itself does for
 * what it can hand over.
 */
export type EngineChoice = 'auto' | CryptoEngine['name'];

/**
 * Loads an engine, and only that one: node-forge costs nothing where it is not used.
 *
 * @throws {@link UnsupportedOperationError} for `node` in a bundle that was made for browsers.
 */
export async function selectEngine(choice: EngineChoice): Promise<CryptoEngine> {
  if (choice === 'node' || (choice === 'auto' && hasNodeCrypto())) {
    const engine = await loadNodeEngine();
    if (engine !== undefined) return engine;
    // A bundle for browsers may run where node:crypto is; that is no reason for `auto` to fail.
    if (choice === 'node') {
      throw new UnsupportedOperationError(
        'a bundle for browsers has no node engine: choose forge, or auto',
      );
    }
  }
  return (await import('./forge.js')).forgeEngine;
}

/** package.json says what this import is: nothing, where a bundler resolves it for a browser. */
async function loadNodeEngine(): Promise<CryptoEngine | undefined> {
  return (await import('#node-engine')).nodeEngine;
}

/** Asks the runtime without importing anything, so that bundlers for other platforms find nothing to resolve. */
function hasNodeCrypto(): boolean {
  return globalThis.process?.getBuiltinModule?.('node:crypto') !== undefined;
}
