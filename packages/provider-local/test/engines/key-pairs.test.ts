import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { DataKeyPairSpec } from '@keywrap/core';
import { expect } from 'chai';
import forge from 'node-forge';
import { ENGINES, ownsItsMemory, randomBytes } from './engines.js';

const CURVES = {
  ECC_NIST_P256: 'prime256v1',
  ECC_NIST_P384: 'secp384r1',
  ECC_NIST_P521: 'secp521r1',
  ECC_SECG_P256K1: 'secp256k1',
} as const satisfies Partial<Record<DataKeyPairSpec, string>>;

const RSA_BITS = { RSA_2048: 2048, RSA_3072: 3072, RSA_4096: 4096 } as const;

function expectMatchingPair(publicDer: Uint8Array, privateDer: Uint8Array) {
  expect([publicDer, privateDer].every(ownsItsMemory)).to.equal(true);
  const privateKey = createPrivateKey({
    key: Buffer.from(privateDer),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey = createPublicKey({ key: Buffer.from(publicDer), format: 'der', type: 'spki' });
  // Byte for byte as OpenSSL writes it, so that the engines are indistinguishable.
  expect(createPublicKey(privateKey).export({ format: 'der', type: 'spki' })).to.deep.equal(
    Buffer.from(publicDer),
  );
  expect(privateKey.export({ format: 'der', type: 'pkcs8' })).to.deep.equal(
    Buffer.from(privateDer),
  );
  const message = randomBytes(20);
  expect(verify('sha256', message, publicKey, sign('sha256', message, privateKey))).to.equal(true);
  return privateKey.asymmetricKeyDetails;
}

for (const engine of ENGINES) {
  describe(`Key pairs of the ${engine.name} engine`, () => {
    for (const [spec, namedCurve] of Object.entries(CURVES) as [DataKeyPairSpec, string][]) {
      it(`${spec} is on its curve, and node:crypto reads both halves`, async () => {
        const { publicKey, privateKey } = await engine.generateKeyPair(spec);
        expect(expectMatchingPair(publicKey, privateKey)).to.deep.include({ namedCurve });
      });
    }

    for (const [spec, modulusLength] of Object.entries(RSA_BITS) as [DataKeyPairSpec, number][]) {
      it(`${spec} has its size, and node:crypto reads both halves`, async () => {
        const { publicKey, privateKey } = await engine.generateKeyPair(spec);
        expect(expectMatchingPair(publicKey, privateKey)).to.deep.include({
          modulusLength,
          publicExponent: 65537n,
        });
      });
    }
  });
}

describe('Key pairs without native code', () => {
  // The type declarations of node-forge leave its options out.
  const { options } = forge as unknown as { options: { usePureJavaScript: boolean } };
  before(() => {
    options.usePureJavaScript = true;
  });
  after(() => {
    options.usePureJavaScript = false;
  });

  it('the forge engine makes RSA_2048 in JavaScript without blocking the event loop', async () => {
    const engine = ENGINES.find(({ name }) => name === 'forge') as (typeof ENGINES)[number];
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const { publicKey, privateKey } = await engine.generateKeyPair('RSA_2048');
    clearInterval(timer);
    expectMatchingPair(publicKey, privateKey);
    expect(turns).to.be.greaterThan(0);
  });
});
