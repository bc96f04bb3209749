import { formatAliasArn, type KeyWrapErrorCode } from '@keywrap/core';
import { type LocalKey, LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import { expect } from 'chai';
import {
  ALL,
  expectRejection,
  fixture,
  HOME,
  idOf,
  open,
  PASSPHRASE,
  rejection,
  utf8,
} from './support.js';

const HERE = 'arn:aws:kms:us-east-1:111122223333:';

describe('The keys of the options', () => {
  for (const [form, keyId, arn] of [
    ['an alias', 'alias/orders', /:key\/[0-9a-f-]{36}$/],
    ['an id', 'orders-key', /:key\/orders-key$/],
    ['a key ARN', `${HERE}key/orders-key`, /:key\/orders-key$/],
    ['an alias ARN', `${HERE}alias/orders`, /:key\/[0-9a-f-]{36}$/],
  ] as const) {
    it(`can be named by ${form}`, async () => {
      const { provider } = open({ keys: [keyId] });
      const sealed = await provider.encrypt({ keyId, plaintext: utf8('x') });
      expect(sealed.keyId).to.match(arn);
      const opened = await provider.decrypt({ keyId, ciphertext: sealed.ciphertext });
      expect(opened.plaintext).to.deep.equal(utf8('x'));
      expect(await provider.listKeys()).to.have.length(1);
    });
  }

  it('have the requested key spec and usage', async () => {
    const { provider } = open({
      keys: [
        { keyId: 'alias/mac', keySpec: 'HMAC_384' },
        { keyId: 'alias/agree', keySpec: 'ECC_NIST_P521', keyUsage: 'KEY_AGREEMENT' },
      ],
    });
    const kinds = (await provider.listKeys()).map(({ keySpec, keyUsage }) => [keySpec, keyUsage]);
    expect(kinds).to.have.deep.members([
      ['HMAC_384', 'GENERATE_VERIFY_MAC'],
      ['ECC_NIST_P521', 'KEY_AGREEMENT'],
    ]);
  });

  it('have the given material, and then the origin EXTERNAL', async () => {
    const { provider } = open({
      keys: [
        { keyId: 'alias/aes', keyMaterial: new Uint8Array(32).fill(9) },
        {
          keyId: 'alias/rsa',
          keySpec: 'RSA_2048',
          keyMaterial: fixture('rsa-2048-pbes1.pem').toString(),
          passphrase: PASSPHRASE,
        },
      ],
    });
    for (const { origin, keyState } of await provider.listKeys()) {
      expect([origin, keyState]).to.deep.equal(['EXTERNAL', 'Enabled']);
    }
    const raw = await provider.exportKeyMaterial({ keyId: 'alias/aes', format: 'raw' });
    expect(raw).to.deep.equal(new Uint8Array(32).fill(9));
  });

  it('copy the material at once', async () => {
    const keyMaterial = new Uint8Array(32).fill(9);
    const { provider } = open({ keys: [{ keyId: 'alias/aes', keyMaterial }] });
    keyMaterial.fill(0);
    const raw = await provider.exportKeyMaterial({ keyId: 'alias/aes', format: 'raw' });
    expect(raw).to.deep.equal(new Uint8Array(32).fill(9));
  });

  it('are made once: a store that has them keeps its own', async () => {
    const store = new MemoryKeyStore();
    const first = new LocalKeyWrapProvider({ store, keys: ['alias/orders', 'by-id'] });
    const { ciphertext } = await first.encrypt({ keyId: 'alias/orders', plaintext: utf8('x') });
    const second = new LocalKeyWrapProvider({ store, keys: ['by-id', 'alias/orders'] });
    expect((await second.decrypt({ ciphertext })).plaintext).to.deep.equal(utf8('x'));
    expect(await store.listKeys(ALL)).to.have.length(2);
  });

  const RSA_KEY = { keyId: 'alias/rsa', keySpec: 'RSA_2048' } as const;

  it('are accepted in a store that has the same, whatever its encoding', async () => {
    const store = new MemoryKeyStore();
    const keyMaterial = new Uint8Array(32).fill(9);
    const aes = { keyId: 'aes', keyMaterial };
    const made = new LocalKeyWrapProvider({ store, keys: ['alias/b', RSA_KEY, aes] });
    const { keyId } = RSA_KEY;
    const format = 'pkcs8-encrypted-pem';
    for (const passphrase of [PASSPHRASE, 'another']) {
      const pem = await made.exportKeyMaterial({ keyId, format, passphrase });
      const rsa = { ...RSA_KEY, keyMaterial: pem, passphrase };
      const again = new LocalKeyWrapProvider({ store, keys: [rsa, aes, 'alias/b'] });
      expect(await again.listKeys()).to.have.length(3);
    }
  });

  for (const [what, has, wanted] of [
    ['of another kind', 'alias/x', { keyId: 'alias/x', keySpec: 'RSA_2048' }],
    ['for another use', RSA_KEY, { ...RSA_KEY, keyUsage: 'SIGN_VERIFY' }],
    ['with different material', 'a', { keyId: 'a', keyMaterial: new Uint8Array(32) }],
    [
      'with other material',
      { keyId: 'a', keyMaterial: new Uint8Array(32).fill(1) },
      { keyId: 'a', keyMaterial: new Uint8Array(32) },
    ],
    ['of another kind, by default', { keyId: 'a', keySpec: 'HMAC_256' }, 'a'],
    [
      'with another private key',
      RSA_KEY,
      { ...RSA_KEY, keyMaterial: fixture('rsa-2048.pem').toString() },
    ],
  ] as const satisfies readonly (readonly [string, string | LocalKey, string | LocalKey])[]) {
    it(`are rejected at first use if the store has such a key ${what}`, async () => {
      const store = new MemoryKeyStore();
      await new LocalKeyWrapProvider({ store, keys: [has] }).listKeys();
      const provider = new LocalKeyWrapProvider({ store, keys: ['alias/fine', wanted] });
      for (let use = 0; use < 2; use++) {
        await expectRejection(provider.listKeys(), 'INVALID_INPUT', 'options.keys[1]');
      }
    });
  }

  it('may not have two materials under one name', async () => {
    const keys = [1, 2].map((byte) => ({ keyId: 'a', keyMaterial: new Uint8Array(32).fill(byte) }));
    const { provider } = open({ keys });
    await expectRejection(provider.listKeys(), 'INVALID_INPUT', 'options.keys[1]');
  });

  it('are created at first use, not before', async () => {
    const { provider, store } = open({ keys: ['alias/orders'] });
    expect(await store.listKeys(ALL)).to.deep.equal([]);
    await provider.listKeys();
    expect(await store.listKeys(ALL)).to.have.length(1);
  });

  const WRONG_MATERIAL: readonly (readonly [string, LocalKey, string])[] = [
    [
      'a wrong passphrase',
      {
        keyId: 'alias/rsa',
        keySpec: 'RSA_2048',
        keyMaterial: fixture('rsa-2048-pbes1.pem'),
        passphrase: 'wrong-horse',
      },
      'passphrase',
    ],
    [
      'a missing passphrase',
      { keyId: 'alias/rsa', keySpec: 'RSA_2048', keyMaterial: fixture('rsa-2048-pbes1.pem') },
      'passphrase',
    ],
    [
      'material of another kind',
      { keyId: 'alias/rsa', keySpec: 'RSA_3072', keyMaterial: fixture('rsa-2048.pem') },
      'keyMaterial',
    ],
    ['too few bytes', { keyId: 'alias/aes', keyMaterial: new Uint8Array(16) }, 'keyMaterial'],
  ];
  for (const [what, key, field] of WRONG_MATERIAL) {
    it(`with ${what}: every call names the option, and creates nothing`, async () => {
      const { provider, store } = open({ keys: ['alias/fine', key] });
      for (const use of [
        () => provider.encrypt({ keyId: 'alias/fine', plaintext: utf8('x') }),
        () => provider.listKeys(),
      ]) {
        await expectRejection(use(), 'INVALID_INPUT', `options.keys[1].${field}`);
      }
      expect(store.peekAlias(formatAliasArn(key.keyId, HOME))).to.equal(undefined);
      await provider.close();
    });
  }
});

describe('createMissingKeys', () => {
  it('creates a symmetric key for any name, and finds it again', async () => {
    const { provider } = open({ createMissingKeys: true });
    for (const keyId of [
      'alias/orders',
      '1234abcd-12ab-34cd-56ef-1234567890ab',
      `${HERE}key/mrk-1234`,
      `${HERE}alias/archive`,
    ]) {
      const sealed = await provider.encrypt({ keyId, plaintext: utf8('x') });
      const opened = await provider.decrypt({ keyId, ciphertext: sealed.ciphertext });
      expect(opened.keyId).to.equal(sealed.keyId);
      if (keyId.includes(':key/')) expect(sealed.keyId).to.equal(keyId);
    }
    expect(await provider.listKeys()).to.have.length(4);
    expect(await provider.listAliases()).to.have.length(2);
  });

  it('creates nothing for a name that no key can have', async () => {
    const { provider, store } = open({ createMissingKeys: true });
    const names = [
      'k'.repeat(256),
      'ключ',
      'a/b',
      '_a',
      'alias/aws/s3',
      `alias/${'a'.repeat(251)}`,
    ];
    for (const keyId of names) {
      await expectRejection(provider.describeKey({ keyId }), 'KEY_NOT_FOUND');
    }
    expect(await store.listKeys(ALL)).to.deep.equal([]);
  });

  it('creates nothing for a name of another scope, nor for the key that a ciphertext names', async () => {
    const { provider, store } = open({ createMissingKeys: true });
    const elsewhere = 'arn:aws:kms:eu-west-1:111122223333:alias/orders';
    await expectRejection(provider.describeKey({ keyId: elsewhere }), 'KEY_NOT_FOUND');
    const other = open({ keys: ['alias/orders'] }).provider;
    const { ciphertext } = await other.encrypt({ keyId: 'alias/orders', plaintext: utf8('x') });
    await expectRejection(provider.decrypt({ ciphertext }), 'ACCESS_DENIED');
    expect(await store.listKeys(ALL)).to.deep.equal([]);
  });

  it('is off by default', async () => {
    const { provider } = open();
    const { code, message } = await rejection(provider.describeKey({ keyId: 'orders' }));
    expect(code).to.equal('KEY_NOT_FOUND');
    expect(message).to.match(/^orders does not exist in .*an alias is written alias\/orders/);
    const other = await rejection(provider.describeKey({ keyId: 'alias/orders' }));
    expect(other.message)
      .to.match(/^alias\/orders does not exist in /)
      .and.not.include('written');
  });
});

describe('Partition, region and account', () => {
  const scope = { partition: 'aws-us-gov', region: 'us-gov-west-1', account: '999988887777' };
  const prefix = 'arn:aws-us-gov:kms:us-gov-west-1:999988887777:';

  it('are those of every ARN that is returned', async () => {
    const { provider } = open({ ...scope, keys: ['alias/orders'] });
    const { keyId } = await provider.describeKey({ keyId: 'alias/orders' });
    expect(keyId.startsWith(`${prefix}key/`)).to.equal(true);
    const [alias] = await provider.listAliases();
    expect(alias).to.deep.equal({
      alias: 'alias/orders',
      aliasArn: `${prefix}alias/orders`,
      keyId,
    });
  });

  it('decide which ARNs are found', async () => {
    const { provider } = open({ ...scope, keys: ['alias/orders'] });
    const { keyId } = await provider.describeKey({ keyId: `${prefix}alias/orders` });
    const plaintext = utf8('x');
    for (const [from, to] of [
      ['aws-us-gov', 'aws'],
      ['us-gov-west-1', 'us-gov-east-1'],
      ['999988887777', '111122223333'],
    ] as const) {
      for (const arn of [keyId, `${prefix}alias/orders`]) {
        const elsewhere = arn.replace(from, to);
        const error = await rejection(provider.encrypt({ keyId: elsewhere, plaintext }));
        expect(error).to.include({ code: 'KEY_NOT_FOUND' as KeyWrapErrorCode, keyId: elsewhere });
      }
    }
    expect((await provider.describeKey({ keyId: idOf(keyId) })).keyId).to.equal(keyId);
  });
});
