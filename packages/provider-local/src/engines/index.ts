import type { CryptoEngine } from './engine.js';

export type * from './engine.js';

/**
 * Which engine to use. `auto` takes `node` where node:crypto is there, as node-forge itself does for
 * what it can hand over.
 */
export type EngineChoice = 'auto' | CryptoEngine['name'];

/**
 * Loads an engine, and only that one: node-forge costs nothing where it is not used.
 */
export async function selectEngine(choice: EngineChoice): Promise<CryptoEngine> {
  const name = choice === 'auto' ? (hasNodeCrypto() ? 'node' : 'forge') : choice;
  return name === 'node'
    ? (await import('./node.js')).nodeEngine
    : (await import('./forge.js')).forgeEngine;
}

/** Asks the runtime without importing anything, so that bundlers for other platforms find nothing to resolve. */
function hasNodeCrypto(): boolean {
  return globalThis.process?.getBuiltinModule?.('node:crypto') !== undefined;
}
