import type { CryptoEngine } from './engine.js';

/** In a bundle for browsers this stands where the engine on node:crypto is elsewhere. */
export const nodeEngine: CryptoEngine | undefined = undefined;
