import type { CryptoEngine } from './engine.js';

/** Replaces the engine on node:crypto in bundles for browsers. */
export const nodeEngine: CryptoEngine | undefined = undefined;
