import { isRsaPublicKey } from '@keywrap/core';
import { expect } from 'chai';

describe('A public key that a backend returned', () => {
  it('may be encrypted with if it has the length that it should have, and an odd exponent from 3', () => {
    const details = { modulusLength: 2048, publicExponent: 65537n };
    expect(isRsaPublicKey(details, 2048)).to.equal(true);
    expect(isRsaPublicKey({ ...details, publicExponent: 3n }, 2048)).to.equal(true);
    expect(isRsaPublicKey(details, 3072)).to.equal(false);
    for (const publicExponent of [0n, 1n, 2n, 65536n]) {
      expect(isRsaPublicKey({ ...details, publicExponent }, 2048)).to.equal(false);
    }
    expect(isRsaPublicKey(undefined, 2048)).to.equal(false);
  });
});
