import {
  type AsymmetricAlgorithm,
  algorithmsOf,
  dataKeyLength,
  encryptionAlgorithmsOf,
  isAsymmetricAlgorithm,
  isDataKeyPairSpec,
  isDataKeySpec,
  isEncryptionAlgorithm,
  isRsaKeySpec,
  type KeySpec,
  LIMITS,
  maximumPlaintextLength,
  type RsaKeySpec,
  rsaKeySpecOf,
  rsaModulusLength,
} from '@keywrap/core';
import { expect } from 'chai';

const RSA: readonly [RsaKeySpec, number][] = [
  ['RSA_2048', 2048],
  ['RSA_3072', 3072],
  ['RSA_4096', 4096],
];
const OAEP: readonly [AsymmetricAlgorithm, number][] = [
  ['RSAES_OAEP_SHA_1', 160],
  ['RSAES_OAEP_SHA_256', 256],
  ['RSAES_OAEP_SHA_384', 384],
  ['RSAES_OAEP_SHA_512', 512],
];
const ALL_SPECS: readonly KeySpec[] = [
  'SYMMETRIC_DEFAULT',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
];

describe('the limits', () => {
  it('are those of AWS KMS', () => {
    expect(LIMITS).to.deep.equal({
      plaintext: 4096,
      ciphertext: 6144,
      dataKey: 1024,
      publicKey: 8192,
      keyId: 2048,
      encryptionContext: 8192,
      grantTokens: 10,
      grantToken: 8192,
    });
  });

  it('can not be changed', () => {
    expect(LIMITS).to.be.frozen;
  });
});

describe('maximumPlaintextLength', () => {
  for (const [spec, modulusBits] of RSA) {
    for (const [algorithm, hashBits] of OAEP) {
      it(`is k - 2 * hLen - 2 for ${spec} with ${algorithm} (RFC 8017 §7.1.1)`, () => {
        const expected = modulusBits / 8 - 2 * (hashBits / 8) - 2;
        expect(maximumPlaintextLength(algorithm, spec)).to.equal(expected);
      });
    }
  }

  it('returns the numbers of the AWS KMS documentation', () => {
    const numbers = RSA.map(([spec]) =>
      OAEP.slice(0, 2).map(([hash]) => maximumPlaintextLength(hash, spec)),
    );
    expect(numbers).to.deep.equal([
      [214, 190],
      [342, 318],
      [470, 446],
    ]);
  });

  it('is that of the largest key where no key is named', () => {
    expect(maximumPlaintextLength('RSAES_OAEP_SHA_1')).to.equal(470);
    expect(maximumPlaintextLength('RSAES_OAEP_SHA_256')).to.equal(446);
  });

  it('is 4096 for a symmetric key', () => {
    expect(maximumPlaintextLength('SYMMETRIC_DEFAULT')).to.equal(4096);
  });
});

describe('key specs', () => {
  it('know the length of a modulus, and a modulus of that length', () => {
    for (const [spec, bits] of RSA) {
      expect(rsaModulusLength(spec)).to.equal(bits / 8);
      expect(rsaKeySpecOf(bits / 8)).to.equal(spec);
    }
    for (const other of [0, 128, 255, 257, 1024, Number.NaN]) {
      expect(rsaKeySpecOf(other), `${other} bytes`).to.equal(undefined);
    }
  });

  it('tell RSA from everything else', () => {
    expect(ALL_SPECS.filter(isRsaKeySpec)).to.deep.equal(['RSA_2048', 'RSA_3072', 'RSA_4096']);
  });

  it('know which of them can be a data key pair', () => {
    expect(ALL_SPECS.filter(isDataKeyPairSpec)).to.deep.equal(
      ALL_SPECS.filter((spec) => /^(RSA|ECC)_/.test(spec)),
    );
  });

  it('know the two standard data keys and their lengths', () => {
    expect(dataKeyLength('AES_256')).to.equal(256 / 8);
    expect(dataKeyLength('AES_128')).to.equal(128 / 8);
    expect(isDataKeySpec('AES_256')).to.equal(true);
    expect(isDataKeySpec('AES_128')).to.equal(true);
  });

  it('are not fooled by the names of inherited properties, other cases or other types', () => {
    const impostors = ['toString', '__proto__', 'constructor', 'aes_256', 'rsa_2048', '', ' '];
    for (const name of impostors) {
      expect(isDataKeySpec(name), name).to.equal(false);
      expect(isDataKeyPairSpec(name), name).to.equal(false);
      expect(isRsaKeySpec(name), name).to.equal(false);
      expect(isAsymmetricAlgorithm(name), name).to.equal(false);
      expect(isEncryptionAlgorithm(name), name).to.equal(false);
    }
    for (const value of [undefined, null, 1, ['AES_256'], { keySpec: 'AES_256' }]) {
      expect(isDataKeySpec(value)).to.equal(false);
      expect(isDataKeyPairSpec(value)).to.equal(false);
      expect(isEncryptionAlgorithm(value)).to.equal(false);
    }
  });
});

describe('algorithms', () => {
  it('are one symmetric and two asymmetric ones', () => {
    const all = ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'];
    expect(all.every(isEncryptionAlgorithm)).to.equal(true);
    expect(all.filter(isAsymmetricAlgorithm)).to.deep.equal(all.slice(1));
  });

  it('are those of AWS KMS where its names are asked for', () => {
    const kms = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'];
    for (const [spec] of RSA) {
      expect(algorithmsOf(spec, 'ENCRYPT_DECRYPT')).to.deep.equal(kms);
    }
  });

  it('of a key follow from its kind, and only a key for encryption has any', () => {
    const symmetric = ['SYMMETRIC_DEFAULT'];
    const rsa = OAEP.map(([algorithm]) => algorithm);
    for (const spec of ALL_SPECS) {
      const expected = spec === 'SYMMETRIC_DEFAULT' ? symmetric : isRsaKeySpec(spec) ? rsa : [];
      expect(encryptionAlgorithmsOf(spec, 'ENCRYPT_DECRYPT'), spec).to.deep.equal(expected);
      for (const usage of ['SIGN_VERIFY', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT'] as const) {
        expect(encryptionAlgorithmsOf(spec, usage), `${spec} ${usage}`).to.deep.equal([]);
      }
    }
  });
});
