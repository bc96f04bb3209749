import { UnsupportedOperationError } from '@keywrap/core';
import type { CryptoEngine } from './engine.js';

export type * from './engine.js';

/**
 * The engine to use. `auto` chooses `node` if node:crypto exists, as node-forge does for work that it can
 * delegate.
 */
export type EngineChoice = 'auto' | CryptoEngine['name'];

/**
 * Loads one engine only: node-forge costs nothing if it is not used.
 *
 * @throws {@link UnsupportedOperationError} for `node` in a bundle for browsers.
 */
export async function selectEngine(choice: EngineChoice): Promise<CryptoEngine> {
  if (choice === 'node' || (choice === 'auto' && hasNodeCrypto())) {
    const engine = await loadNodeEngine();
    if (engine !== undefined) return engine;
    // A bundle for browsers may run where node:crypto exists; `auto` must not fail there.
    if (choice === 'node') {
      throw new UnsupportedOperationError(
        'a bundle for browsers has no node engine: choose forge, or auto',
      );
    }
  }
  return (await import('./forge.js')).forgeEngine;
}

/** package.json maps this import; a bundler for browsers resolves it to a stub. */
async function loadNodeEngine(): Promise<CryptoEngine | undefined> {
  return (await import('#node-engine')).nodeEngine;
}

/** Asks the runtime without an import, so that bundlers for other platforms have nothing to resolve. */
function hasNodeCrypto(): boolean {
  return globalThis.process?.getBuiltinModule?.('node:crypto') !== undefined;
}
