import type { KeySpec, KeyUsage } from '@keywrap/core';
import { expect } from 'chai';
import { ALL, expectRejection, idOf, open, utf8 } from '../support.js';

describe('createKey', () => {
  it('makes a symmetric key by default', async () => {
    const { provider, clock } = open();
    const key = await provider.createKey();
    expect(key).to.deep.equal({
      keyId: key.keyId,
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
      keyState: 'Enabled',
      origin: 'AWS_KMS',
      algorithms: ['SYMMETRIC_DEFAULT'],
      description: '',
      creationDate: clock.now(),
      keyVersion: key.keyVersion,
    });
    expect(key.keyVersion).to.match(/^[0-9a-f]{64}$/);
    expect(key.keyId).to.match(/^arn:aws:kms:us-east-1:111122223333:key\/[0-9a-f-]{36}$/);
    expect(await provider.describeKey({ keyId: key.keyId })).to.deep.equal(key);
  });

  const KINDS: readonly (readonly [KeySpec, KeyUsage, KeyUsage[]])[] = [
    ['ECC_NIST_P256', 'SIGN_VERIFY', ['SIGN_VERIFY', 'KEY_AGREEMENT']],
    ['ECC_NIST_P384', 'SIGN_VERIFY', ['SIGN_VERIFY', 'KEY_AGREEMENT']],
    ['ECC_NIST_P521', 'SIGN_VERIFY', ['SIGN_VERIFY', 'KEY_AGREEMENT']],
    ['ECC_SECG_P256K1', 'SIGN_VERIFY', ['SIGN_VERIFY']],
    ['HMAC_224', 'GENERATE_VERIFY_MAC', ['GENERATE_VERIFY_MAC']],
    ['HMAC_256', 'GENERATE_VERIFY_MAC', ['GENERATE_VERIFY_MAC']],
    ['HMAC_384', 'GENERATE_VERIFY_MAC', ['GENERATE_VERIFY_MAC']],
    ['HMAC_512', 'GENERATE_VERIFY_MAC', ['GENERATE_VERIFY_MAC']],
    ['SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', ['ENCRYPT_DECRYPT']],
  ];
  const USAGES = [
    'ENCRYPT_DECRYPT',
    'SIGN_VERIFY',
    'GENERATE_VERIFY_MAC',
    'KEY_AGREEMENT',
  ] as const;

  for (const [keySpec, byDefault, allowed] of KINDS) {
    it(`makes ${keySpec} for ${allowed.join(' or ')}, and for nothing else`, async () => {
      const { provider, store } = open();
      const key = await provider.createKey({ keySpec });
      expect(key).to.include({ keySpec, keyUsage: byDefault, keyState: 'Enabled' });
      for (const keyUsage of USAGES) {
        const making = provider.createKey({ keySpec, keyUsage });
        if (allowed.includes(keyUsage)) expect((await making).keyUsage).to.equal(keyUsage);
        else await expectRejection(making, 'INVALID_INPUT', 'keyUsage');
      }
      expect(await store.listKeys(ALL)).to.have.length(1 + allowed.length);
    });
  }

  it('makes RSA keys that encrypt, or sign', async () => {
    const { provider } = open();
    const encrypting = await provider.createKey({ keySpec: 'RSA_2048' });
    expect(encrypting.keyUsage).to.equal('ENCRYPT_DECRYPT');
    expect(encrypting.algorithms).to.deep.equal([
      'RSAES_OAEP_SHA_1',
      'RSAES_OAEP_SHA_256',
      'RSAES_OAEP_SHA_384',
      'RSAES_OAEP_SHA_512',
    ]);
    const keyId = encrypting.keyId;
    const algorithm = 'RSAES_OAEP_SHA_1';
    const plaintext = utf8('x');
    const { ciphertext } = await provider.encrypt({ keyId, algorithm, plaintext });
    const opened = await provider.decryptAsymmetric({ keyId, algorithm, ciphertext });
    expect(opened.plaintext).to.deep.equal(plaintext);
    const kind = { keySpec: 'RSA_2048', keyUsage: 'SIGN_VERIFY', origin: 'EXTERNAL' } as const;
    expect((await provider.createKey(kind)).algorithms).to.deep.equal([]);
  });

  it('keeps a description of up to 8192 characters', async () => {
    const { provider } = open();
    const description = 'ö'.repeat(8192);
    expect((await provider.createKey({ description })).description).to.equal(description);
    for (const wrong of [`${description}ö`, 7, null, '\ud800']) {
      const making = provider.createKey({ description: wrong as string });
      await expectRejection(making, 'INVALID_INPUT', 'description');
    }
  });

  it('rejects an unknown key spec, origin or option', async () => {
    const { provider } = open();
    for (const [field, input] of [
      ['keySpec', { keySpec: 'AES_256' }],
      ['keySpec', { keySpec: 'toString' }],
      ['keyUsage', { keyUsage: 'WRAP' }],
      ['origin', { origin: 'AWS_CLOUDHSM' }],
      ['keyMaterial', { keyMaterial: new Uint8Array(32) }],
      ['input', null],
      ['input', 'SYMMETRIC_DEFAULT'],
    ] as const) {
      await expectRejection(provider.createKey(input as object), 'INVALID_INPUT', field);
    }
    expect(await provider.listKeys()).to.deep.equal([]);
  });

  it('leaves no key behind if its alias exists', async () => {
    const { provider, store } = open();
    const alias = 'alias/orders';
    await provider.createKey({ alias });
    await expectRejection(provider.createKey({ alias }), 'INVALID_INPUT', 'alias');
    expect(await store.listKeys(ALL)).to.have.length(1);
  });
});

describe('listKeys', () => {
  it('returns keys in every state, oldest first', async () => {
    const { provider, clock } = open({ keys: ['alias/first'] });
    await provider.open();
    clock.passDays(1);
    const second = await provider.createKey({ origin: 'EXTERNAL' });
    clock.passDays(1);
    const third = await provider.createKey({ keySpec: 'HMAC_256' });
    await provider.disableKey({ keyId: third.keyId });
    const keys = await provider.listKeys();
    expect(keys.map(({ keyState }) => keyState)).to.deep.equal([
      'Enabled',
      'PendingImport',
      'Disabled',
    ]);
    expect(keys.slice(1).map(({ keyId }) => keyId)).to.deep.equal([second.keyId, third.keyId]);
  });
});

describe('rotateKey', () => {
  it('makes new material for new ciphertexts; older ones still decrypt, and the ARN stays', async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey();
    const blobs: Uint8Array[] = [];
    for (let version = 1; version <= 4; version++) {
      const { ciphertext } = await provider.encrypt({ keyId, plaintext: Uint8Array.of(version) });
      const versionOffset = 5 + idOf(keyId).length;
      expect([...ciphertext.subarray(versionOffset, versionOffset + 4)]).to.deep.equal([
        0,
        0,
        0,
        version,
      ]);
      blobs.push(ciphertext);
      expect((await provider.rotateKey({ keyId })).keyId).to.equal(keyId);
    }
    for (const [index, ciphertext] of blobs.entries()) {
      const opened = await provider.decrypt({ keyId, ciphertext });
      expect(opened.plaintext).to.deep.equal(Uint8Array.of(index + 1));
      expect(opened.keyId).to.equal(keyId);
    }
  });

  it('rejects keys of another kind, and material that was imported', async () => {
    const { provider } = open({
      keys: [{ keyId: 'alias/imported', keyMaterial: new Uint8Array(32).fill(1) }],
    });
    for (const keySpec of ['ECC_NIST_P256', 'HMAC_256'] as const) {
      const { keyId } = await provider.createKey({ keySpec });
      await expectRejection(provider.rotateKey({ keyId }), 'UNSUPPORTED');
    }
    await expectRejection(provider.rotateKey({ keyId: 'alias/imported' }), 'UNSUPPORTED');
  });
});

describe('Every method that takes a key', () => {
  const METHODS = [
    'enableKey',
    'disableKey',
    'rotateKey',
    'scheduleKeyDeletion',
    'cancelKeyDeletion',
    'describeKey',
    'getPublicKey',
  ] as const;

  for (const method of METHODS) {
    it(`${method} accepts all four forms, and reports a key that does not exist`, async () => {
      for (const form of ['id', 'arn', 'alias', 'alias-arn']) {
        const { provider } = open();
        const keySpec = method === 'getPublicKey' ? 'ECC_NIST_P256' : 'SYMMETRIC_DEFAULT';
        const { keyId: arn } = await provider.createKey({ keySpec, alias: 'alias/a' });
        if (method === 'cancelKeyDeletion') await provider.scheduleKeyDeletion({ keyId: arn });
        const keyId = {
          id: idOf(arn),
          arn,
          alias: 'alias/a',
          'alias-arn': 'arn:aws:kms:us-east-1:111122223333:alias/a',
        }[form] as string;
        expect((await provider[method]({ keyId })).keyId).to.equal(arn);
      }
      const { provider } = open();
      for (const keyId of ['nobody', 'alias/nobody']) {
        await expectRejection(provider[method]({ keyId }), 'KEY_NOT_FOUND');
      }
      for (const input of [undefined, null, {}, { keyId: 7 }, { keyId: '' }, { keyId: 'a b' }]) {
        await expectRejection(provider[method](input as { keyId: string }), 'INVALID_INPUT');
      }
    });
  }
});

describe('getPublicKey', () => {
  it('rejects symmetric and HMAC keys, which have none', async () => {
    const { provider } = open({ keys: ['alias/symmetric'] });
    const { keyId } = await provider.createKey({ keySpec: 'HMAC_256' });
    await expectRejection(provider.getPublicKey({ keyId: 'alias/symmetric' }), 'UNSUPPORTED');
    await expectRejection(provider.getPublicKey({ keyId }), 'UNSUPPORTED');
  });

  it('returns a copy: changing it does not change the key', async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey({ keySpec: 'ECC_NIST_P256' });
    const { publicKey } = await provider.getPublicKey({ keyId });
    const before = publicKey.slice();
    publicKey.fill(0);
    expect((await provider.getPublicKey({ keyId })).publicKey).to.deep.equal(before);
  });
});
