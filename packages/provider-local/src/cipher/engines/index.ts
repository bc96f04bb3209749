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
  // Asks the runtime without an import, so that bundlers for other platforms have nothing to resolve.
  const hasNode = globalThis.process?.getBuiltinModule?.('node:crypto') !== undefined;
  if (choice === 'node' || (choice === 'auto' && hasNode)) {
    // package.json maps this import; a bundler for browsers resolves it to a stub.
    const { nodeEngine }: { nodeEngine: CryptoEngine | undefined } = await import('#node-engine');
    if (nodeEngine !== undefined) return nodeEngine;
    // A bundle for browsers may run where node:crypto exists; `auto` must not fail there.
    if (choice === 'node') {
      throw new UnsupportedOperationError(
        'a bundle for browsers has no node engine: choose forge, or auto',
      );
    }
  }
  return (await import('./forge.js')).forgeEngine;
}
