import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { expect } from 'chai';
import { type ENGINES, ownsItsMemory, randomBytes } from './engines.js';

export function expectMatchingPair(publicDer: Uint8Array, privateDer: Uint8Array) {
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

/** Makes a pair of this size, and checks it. */
export async function expectRsaPair(
  engine: (typeof ENGINES)[number],
  spec: 'RSA_2048' | 'RSA_3072' | 'RSA_4096',
) {
  const { publicKey, privateKey } = await engine.generateKeyPair(spec);
  expect(expectMatchingPair(publicKey, privateKey)).to.deep.include({
    modulusLength: Number(spec.slice(4)),
    publicExponent: 65537n,
  });
}
