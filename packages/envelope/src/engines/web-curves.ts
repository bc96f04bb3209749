import { p256, p384 } from '@noble/curves/nist.js';
import { sha256, sha384 } from '@noble/hashes/sha2.js';

const OPTIONS = { prehash: false, format: 'der', lowS: false } as const;

/** The curves of signatures, each with the hash of its suite. */
export const CURVES = {
  'P-256': { ecdsa: p256, hash: sha256, options: OPTIONS },
  'P-384': { ecdsa: p384, hash: sha384, options: OPTIONS },
} as const;
