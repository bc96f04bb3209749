import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { type DataKeyPairSpec, isRsaKeySpec } from '@keywrap/core';

const CURVES = {
  ECC_NIST_P256: 'prime256v1',
  ECC_NIST_P384: 'secp384r1',
  ECC_NIST_P521: 'secp521r1',
  ECC_SECG_P256K1: 'secp256k1',
} as const;

const generate = promisify(generateKeyPair);

export interface Pair {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly privateKey: Uint8Array<ArrayBuffer>;
}

/** A new pair, DER. */
async function generatePair(spec: DataKeyPairSpec): Promise<Pair> {
  const { publicKey, privateKey } = isRsaKeySpec(spec)
    ? await generate('rsa', { modulusLength: Number(spec.slice(4)) })
    : await generate('ec', { namedCurve: CURVES[spec as keyof typeof CURVES] });
  return {
    publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    privateKey: new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })),
  };
}

const pool = new Map<string, Promise<Pair>>();

/**
 * Pairs of its own for each provider, but RSA pairs that all test providers draw from the same pool:
 * they take long to generate.
 */
export function pairSource(): (spec: DataKeyPairSpec) => Promise<Pair> {
  const drawn = new Map<string, number>();
  return async (spec) => {
    if (!isRsaKeySpec(spec)) return generatePair(spec);
    const count = drawn.get(spec) ?? 0;
    drawn.set(spec, count + 1);
    const name = `${spec} ${count % (spec === 'RSA_2048' ? 128 : 4)}`;
    const pair = pool.get(name) ?? generatePair(spec);
    pool.set(name, pair);
    const { publicKey, privateKey } = await pair;
    return { publicKey: publicKey.slice(), privateKey: privateKey.slice() };
  };
}
