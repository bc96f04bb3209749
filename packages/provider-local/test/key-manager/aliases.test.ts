import { expect } from 'chai';
import { expectRejection, idOf, open, utf8 } from '../support.js';

const PREFIX = 'arn:aws:kms:us-east-1:111122223333:';

describe('createAlias', () => {
  it('names a key for every operation, by name and by ARN', async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey();
    const alias = await provider.createAlias({ alias: 'alias/orders', keyId });
    expect(alias).to.deep.equal({
      alias: 'alias/orders',
      aliasArn: `${PREFIX}alias/orders`,
      keyId,
    });
    for (const name of ['alias/orders', alias.aliasArn, keyId, idOf(keyId)]) {
      const sealed = await provider.encrypt({ keyId: name, plaintext: utf8('x') });
      expect(sealed.keyId).to.equal(keyId);
    }
  });

  it('gives a key several aliases, listed by name', async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey({ alias: 'alias/b' });
    for (const alias of ['alias/c', 'alias/a/1', 'alias/a-1']) {
      await provider.createAlias({ alias, keyId });
    }
    const names = (await provider.listAliases()).map(({ alias }) => alias);
    expect(names).to.deep.equal(['alias/a-1', 'alias/a/1', 'alias/b', 'alias/c']);
  });

  it('accepts 256 characters, and rejects 257', async () => {
    const { provider } = open();
    const longest = `alias/${'a'.repeat(250)}`;
    const { keyId } = await provider.createKey({ alias: longest });
    expect((await provider.describeKey({ keyId: longest })).keyId).to.equal(keyId);
    const alias = `${longest}a`;
    await expectRejection(provider.createAlias({ alias, keyId }), 'INVALID_INPUT', 'alias');
    await expectRejection(provider.createKey({ alias }), 'INVALID_INPUT', 'alias');
  });

  it('rejects malformed names, and those that AWS reserves', async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey();
    for (const alias of [
      'orders',
      'alias/',
      'alias/a b',
      'alias/ä',
      'Alias/a',
      `${PREFIX}alias/orders`,
      'alias/aws/s3',
      '',
      undefined,
      7,
    ] as string[]) {
      await expectRejection(provider.createAlias({ alias, keyId }), 'INVALID_INPUT', 'alias');
      await expectRejection(provider.updateAlias({ alias, keyId }), 'INVALID_INPUT', 'alias');
      await expectRejection(provider.deleteAlias({ alias }), 'INVALID_INPUT', 'alias');
    }
    expect(await provider.listAliases()).to.deep.equal([]);
  });

  it('rejects an existing alias, even of the same key, and does not change it', async () => {
    const { provider } = open();
    const first = await provider.createKey({ alias: 'alias/orders' });
    const second = await provider.createKey();
    const alias = 'alias/orders';
    for (const { keyId } of [first, second]) {
      await expectRejection(provider.createAlias({ alias, keyId }), 'INVALID_INPUT', 'alias');
    }
    expect((await provider.describeKey({ keyId: alias })).keyId).to.equal(first.keyId);
  });

  it('rejects a key that does not exist', async () => {
    const { provider } = open();
    const naming = provider.createAlias({ alias: 'alias/orders', keyId: 'nobody' });
    await expectRejection(naming, 'KEY_NOT_FOUND');
    expect(await provider.listAliases()).to.deep.equal([]);
  });
});

describe('updateAlias', () => {
  it('moves the alias: new ciphertexts name the new key, old ones the old key', async () => {
    const { provider } = open();
    const keyId = 'alias/orders';
    const old = await provider.createKey({ alias: keyId });
    const next = await provider.createKey();
    const before = await provider.encrypt({ keyId, plaintext: utf8('x') });
    const moved = await provider.updateAlias({ alias: keyId, keyId: next.keyId });
    expect(moved.keyId).to.equal(next.keyId);
    const after = await provider.encrypt({ keyId, plaintext: utf8('x') });
    expect([before.keyId, after.keyId]).to.deep.equal([old.keyId, next.keyId]);
    await expectRejection(
      provider.decrypt({ keyId, ciphertext: before.ciphertext }),
      'INCORRECT_KEY',
    );
    const opened = await provider.decrypt({ ciphertext: before.ciphertext });
    expect(opened.keyId).to.equal(old.keyId);
  });

  it('rejects a key of another kind or usage', async () => {
    const { provider } = open();
    const { keyId: symmetric } = await provider.createKey({ alias: 'alias/symmetric' });
    const { keyId: hmac } = await provider.createKey({ keySpec: 'HMAC_256', alias: 'alias/hmac' });
    const ecc = { keySpec: 'ECC_NIST_P256', alias: 'alias/signing' } as const;
    const { keyId: signing } = await provider.createKey(ecc);
    const agreement = { keySpec: 'ECC_NIST_P256', keyUsage: 'KEY_AGREEMENT' } as const;
    const { keyId: agreeing } = await provider.createKey(agreement);
    // The one kind whose use is that of a symmetric key.
    const rsa = { keySpec: 'RSA_2048', origin: 'EXTERNAL' } as const;
    const { keyId: encrypting } = await provider.createKey(rsa);
    for (const [alias, keyId] of [
      ['alias/symmetric', hmac],
      ['alias/symmetric', encrypting],
      ['alias/symmetric', signing],
      ['alias/hmac', symmetric],
      ['alias/signing', hmac],
      ['alias/signing', agreeing],
    ] as const) {
      await expectRejection(provider.updateAlias({ alias, keyId }), 'INVALID_INPUT', 'keyId');
    }
    const another = await provider.createKey({ keySpec: 'ECC_NIST_P384' });
    await provider.updateAlias({ alias: 'alias/signing', keyId: another.keyId });
  });

  it('rejects an alias or a key that does not exist', async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey({ alias: 'alias/orders' });
    await expectRejection(provider.updateAlias({ alias: 'alias/no', keyId }), 'KEY_NOT_FOUND');
    await expectRejection(
      provider.updateAlias({ alias: 'alias/orders', keyId: 'nobody' }),
      'KEY_NOT_FOUND',
    );
    expect((await provider.describeKey({ keyId: 'alias/orders' })).keyId).to.equal(keyId);
  });
});

describe('deleteAlias', () => {
  it('removes the alias, not the key', async () => {
    const { provider } = open();
    const { keyId } = await provider.createKey({ alias: 'alias/orders' });
    expect(await provider.deleteAlias({ alias: 'alias/orders' })).to.equal(undefined);
    await expectRejection(provider.describeKey({ keyId: 'alias/orders' }), 'KEY_NOT_FOUND');
    expect((await provider.describeKey({ keyId })).keyState).to.equal('Enabled');
    await expectRejection(provider.deleteAlias({ alias: 'alias/orders' }), 'KEY_NOT_FOUND');
  });
});
