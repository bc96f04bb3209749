import { expect } from 'chai';
import forge from 'node-forge';
import { ENGINES } from './engines.js';
import { expectMatchingPair, expectRsaPair } from './matching-pair.js';

for (const engine of ENGINES) {
  describe(`Large key pairs of the ${engine.name} engine`, () => {
    for (const spec of ['RSA_3072', 'RSA_4096'] as const) {
      it(`${spec} has its size, and node:crypto reads both halves`, () =>
        expectRsaPair(engine, spec));
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
