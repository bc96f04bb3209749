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

/** SubjectPublicKeyInfo and PKCS#8, both DER. */
export interface Pair {
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly privateKey: Uint8Array<ArrayBuffer>;
}

export type PairSource = (spec: DataKeyPairSpec) => Promise<Pair>;

async function generatePair(spec: DataKeyPairSpec): Promise<Pair> {
  const { publicKey, privateKey } = isRsaKeySpec(spec)
    ? await generate('rsa', { modulusLength: Number(spec.slice(4)) })
    : await generate('ec', { namedCurve: CURVES[spec as keyof typeof CURVES] });
  return {
    publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    privateKey: new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })),
  };
}

/** RSA pairs take long to generate, so all sources of this process give out the same ones in the same order. */
const made = new Map<string, Promise<Pair>>();

/** Makes a source that never gives out a pair twice. All subjects that one definition opens share a source. */
export function pairSource(): PairSource {
  const drawn = new Map<string, number>();
  return async (spec) => {
    if (!isRsaKeySpec(spec)) return generatePair(spec);
    const count = drawn.get(spec) ?? 0;
    drawn.set(spec, count + 1);
    const name = `${spec} ${count}`;
    const pair = made.get(name) ?? generatePair(spec);
    made.set(name, pair);
    const { publicKey, privateKey } = await pair;
    return { publicKey: publicKey.slice(), privateKey: privateKey.slice() };
  };
}
