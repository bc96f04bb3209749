import {
  assertKeyEnabled,
  assertKeyUsable,
  InvalidKeyUsageError,
  KeyDisabledError,
  type KeyState,
  KeyStateError,
} from '@keywrap/core';
import { expect } from 'chai';
import { expectThrown } from '../support/failures.js';

const key = {
  keyId: 'arn:aws:kms:eu-west-1:111122223333:key/orders',
  keySpec: 'SYMMETRIC_DEFAULT',
  keyUsage: 'ENCRYPT_DECRYPT',
  keyState: 'Enabled',
} as const;
const { keyId } = key;

const UNUSABLE: readonly KeyState[] = [
  'Creating',
  'PendingDeletion',
  'PendingImport',
  'PendingReplicaDeletion',
  'Unavailable',
  'Updating',
];

describe('assertKeyUsable', () => {
  it('lets an enabled symmetric key pass', () => {
    expect(assertKeyUsable(key, 'SYMMETRIC_DEFAULT')).to.equal(undefined);
  });

  it('lets a key that only decrypts do that, and nothing else (KEY_STATE)', () => {
    const old = { ...key, keyState: 'DecryptOnly' } as const;
    expect(assertKeyUsable(old, 'SYMMETRIC_DEFAULT', 'decrypt')).to.equal(undefined);
    expect(assertKeyEnabled(old, 'decrypt')).to.equal(undefined);
    for (const check of [
      () => assertKeyUsable(old, 'SYMMETRIC_DEFAULT'),
      () => assertKeyUsable(old, 'SYMMETRIC_DEFAULT', 'encrypt'),
      () => assertKeyEnabled(old),
    ]) {
      expectThrown(check, KeyStateError, { keyId });
    }
  });

  it('rejects an algorithm that this key does not have, though its kind does (KEY_USAGE)', () => {
    const rsa = { ...key, keySpec: 'RSA_2048', algorithms: ['RSAES_OAEP_SHA_256'] } as const;
    expect(assertKeyUsable(rsa, 'RSAES_OAEP_SHA_256')).to.equal(undefined);
    const error = expectThrown(
      () => assertKeyUsable(rsa, 'RSAES_OAEP_SHA_512'),
      InvalidKeyUsageError,
    );
    expect(error.message).to.include('encrypts with RSAES_OAEP_SHA_256;');
    const unnamed = expectThrown(
      () => assertKeyUsable(rsa, 'SYMMETRIC_DEFAULT', 'decrypt'),
      InvalidKeyUsageError,
    );
    expect(unnamed.message).to.include('name one (decryptAsymmetric does)');
    const signing = { ...rsa, keyUsage: 'SIGN_VERIFY' } as const;
    expectThrown(() => assertKeyUsable(signing, 'RSAES_OAEP_SHA_256'), InvalidKeyUsageError);
  });

  it('lets an enabled RSA key pass with each of its algorithms', () => {
    const rsa = { ...key, keySpec: 'RSA_3072' } as const;
    for (const hash of ['1', '256', '384', '512'] as const) {
      expect(assertKeyUsable(rsa, `RSAES_OAEP_SHA_${hash}`)).to.equal(undefined);
    }
  });

  it('rejects a disabled key, by name (KEY_DISABLED)', () => {
    const disabled = { ...key, keyState: 'Disabled' } as const;
    expectThrown(() => assertKeyUsable(disabled, 'SYMMETRIC_DEFAULT'), KeyDisabledError, { keyId });
    expectThrown(() => assertKeyEnabled(disabled), KeyDisabledError, { keyId });
  });

  for (const keyState of UNUSABLE) {
    it(`rejects a key in the state ${keyState}, by name (KEY_STATE)`, () => {
      const error = expectThrown(
        () => assertKeyUsable({ ...key, keyState }, 'SYMMETRIC_DEFAULT'),
        KeyStateError,
        { keyId },
      );
      expect(error.message).to.include(keyState);
    });
  }

  it('rejects a key for signing or for MACs (KEY_USAGE)', () => {
    const signing = { ...key, keySpec: 'RSA_2048', keyUsage: 'SIGN_VERIFY' } as const;
    const mac = { ...key, keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC' } as const;

    expectThrown(() => assertKeyUsable(signing, 'RSAES_OAEP_SHA_256'), InvalidKeyUsageError, {
      keyId,
    });
    const error = expectThrown(
      () => assertKeyUsable(mac, 'SYMMETRIC_DEFAULT'),
      InvalidKeyUsageError,
    );
    expect(error.message).to.include('does not encrypt');
  });

  it("rejects another kind of key's algorithm and names the supported ones (KEY_USAGE)", () => {
    const rsa = { ...key, keySpec: 'RSA_2048' } as const;

    const error = expectThrown(
      () => assertKeyUsable(rsa, 'SYMMETRIC_DEFAULT'),
      InvalidKeyUsageError,
    );
    expect(error.message).to.include('RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256');
    expectThrown(() => assertKeyUsable(key, 'RSAES_OAEP_SHA_256'), InvalidKeyUsageError);
  });

  it('tells the state before the use: enabling is the first thing to do', () => {
    const both = { ...key, keyState: 'Disabled', keyUsage: 'SIGN_VERIFY' } as const;
    expectThrown(() => assertKeyUsable(both, 'SYMMETRIC_DEFAULT'), KeyDisabledError);
  });
});
