import type { DataKeyPairSpec } from '@keywrap/core';
import { expect } from 'chai';
import { ENGINES } from './engines.js';
import { expectMatchingPair, expectRsaPair } from './matching-pair.js';

const CURVES = {
  ECC_NIST_P256: 'prime256v1',
  ECC_NIST_P384: 'secp384r1',
  ECC_NIST_P521: 'secp521r1',
  ECC_SECG_P256K1: 'secp256k1',
} as const satisfies Partial<Record<DataKeyPairSpec, string>>;

for (const engine of ENGINES) {
  describe(`Key pairs of the ${engine.name} engine`, () => {
    for (const [spec, namedCurve] of Object.entries(CURVES) as [DataKeyPairSpec, string][]) {
      it(`${spec} is on its curve, and node:crypto reads both halves`, async () => {
        const { publicKey, privateKey } = await engine.generateKeyPair(spec);
        expect(expectMatchingPair(publicKey, privateKey)).to.deep.include({ namedCurve });
      });
    }

    it('RSA_2048 has its size, and node:crypto reads both halves', () =>
      expectRsaPair(engine, 'RSA_2048'));
  });
}
