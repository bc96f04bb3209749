import { forgeAes } from '#dist/cipher/engines/forge/aes.js';
import { type CryptoEngine, selectEngine } from '#dist/cipher/engines/index.js';
import { nodeAes, nodeAesInBlocks } from '#dist/cipher/engines/node/aes.js';
import type { AesPrimitives } from '#dist/cipher/xaes-256-gcm.js';

/** Both engines, for the tests that hold for each of them. */
export const ENGINES: readonly CryptoEngine[] = [
  await selectEngine('node'),
  await selectEngine('forge'),
];

/** The AES that each engine builds on, and that of the key store. */
export const AES: Readonly<Record<CryptoEngine['name'] | 'store', AesPrimitives>> = {
  node: nodeAes,
  store: nodeAesInBlocks,
  forge: forgeAes,
};

/** Every ordered pair of engines: what the first makes, the second reads. */
export const PAIRS = ENGINES.flatMap((from) => ENGINES.map((to) => ({ from, to })));

/** Random bytes in memory of their own. */
export const randomBytes = (length: number): Uint8Array =>
  globalThis.crypto.getRandomValues(new Uint8Array(length));

/** Tells whether nothing else shares the memory of these bytes. */
export const ownsItsMemory = (bytes: Uint8Array): boolean =>
  bytes.constructor === Uint8Array &&
  bytes.byteOffset === 0 &&
  bytes.buffer.byteLength === bytes.length;
