import {
  DATA_KEY_PAIR_SPECS,
  type DataKeyPairSpec,
  type EccKeySpec,
  isRsaKeySpec,
} from '@keywrap/core';
import type { EngineChoice } from './index.js';

/** OpenSSL's names for the curves. */
export const CURVE_NAMES = {
  ECC_NIST_P256: 'prime256v1',
  ECC_NIST_P384: 'secp384r1',
  ECC_NIST_P521: 'secp521r1',
  ECC_SECG_P256K1: 'secp256k1',
} as const satisfies Record<EccKeySpec, string>;

/**
 * Returns the kinds of key pairs that an engine generates on this runtime: with node:crypto, those on the curves that
 * it has. Bun's BoringSSL has no secp256k1.
 */
export function keyPairSpecsOf(choice: EngineChoice): readonly DataKeyPairSpec[] {
  if (choice === 'forge') return DATA_KEY_PAIR_SPECS;
  // An emulation of node:crypto, beside a bundle for browsers, may be incomplete: it is not used.
  const curves = globalThis.process?.getBuiltinModule?.('node:crypto')?.getCurves?.();
  if (curves === undefined) return DATA_KEY_PAIR_SPECS;
  return DATA_KEY_PAIR_SPECS.filter(
    (spec) => isRsaKeySpec(spec) || curves.includes(CURVE_NAMES[spec]),
  );
}
