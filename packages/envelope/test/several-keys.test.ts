import { type KeyWrapProvider, ProviderUnavailableError, withLayer } from '@keywrap/core';
import { open, parseMessageHeader, seal } from '@keywrap/envelope';
import { startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';
import { expectRejection, localKeys, randomBytes, rejection, textOf, utf8 } from './support.js';

const encryptionContext = { order: '7' };
const EXPECTED = { encryptionContext };

async function connect(region = 'us-east-1') {
  const server = await startKmsServer({ port: 0, region, keys: [{ alias: 'alias/a' }] });
  const keys = new KmsKeyWrapProvider({
    region,
    endpoint: server.url,
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    maxAttempts: 1,
  });
  return { server, keys };
}

describe('A message under several keys', () => {
  it('is opened by each of two keys of one provider', async () => {
    await using keys = localKeys('alias/a', 'alias/b', 'alias/c');
    const message = await seal(
      keys,
      { keyId: 'alias/a', otherKeys: ['alias/b'], encryptionContext },
      utf8('hello'),
    );
    for (const alias of ['alias/a', 'alias/b']) {
      const { keyId } = await keys.describeKey({ keyId: alias });
      for (const name of [alias, keyId]) {
        using opened = await open(keys, message, { ...EXPECTED, trustedKeys: [name] });
        expect(textOf(opened.plaintext)).to.equal('hello');
        expect(opened.keyId).to.equal(keyId);
      }
    }
    await expectRejection(
      open(keys, message, { ...EXPECTED, trustedKeys: ['alias/c'] }),
      'UNTRUSTED_KEY',
    );
  });

  it('is opened by AWS KMS and, when that is down, by a key kept offline', async () => {
    const { server, keys: kms } = await connect();
    await using offline = localKeys('alias/disaster');
    const message = await seal(
      kms,
      {
        keyId: 'alias/a',
        otherKeys: [{ provider: offline, keyId: 'alias/disaster' }],
        encryptionContext,
        signed: true,
      },
      utf8('hello'),
    );
    expect(parseMessageHeader(message).keys.map(({ providerId }) => providerId)).to.deep.equal([
      'aws-kms',
      'local',
    ]);
    const both = ['alias/a', { provider: offline, keyId: 'alias/disaster' }];
    using first = await open(kms, message, { ...EXPECTED, trustedKeys: both });
    expect(first.keyId).to.equal((await kms.describeKey({ keyId: 'alias/a' })).keyId);
    await server.close();
    using second = await open(kms, message, { ...EXPECTED, trustedKeys: both });
    expect(textOf(second.plaintext)).to.equal('hello');
    expect(second.keyId).to.equal((await offline.describeKey({ keyId: 'alias/disaster' })).keyId);
    const error = await rejection(open(kms, message, { ...EXPECTED, trustedKeys: ['alias/a'] }));
    expect([error.code, error.retryable]).to.deep.equal(['UNAVAILABLE', true]);
    await kms.close();
  });

  it('is opened by the other key, whatever ciphertext the first one returns', async () => {
    await using keys = localKeys('alias/a', 'alias/b');
    const { ciphertext } = await keys.generateDataKey({ keyId: 'alias/a', keySpec: 'AES_256' });
    const liar = withLayer<KeyWrapProvider>(keys, (inner) => ({
      ...inner,
      generateDataKey: async (...args) => ({
        ...(await inner.generateDataKey(...args)),
        ciphertext,
      }),
    }));
    for (const text of ['first', 'second']) {
      const otherKeys = [{ provider: keys, keyId: 'alias/b' }];
      const options = { keyId: 'alias/a', otherKeys, encryptionContext };
      const message = await seal(liar, options, utf8(text));
      using opened = await open(keys, message, { ...EXPECTED, trustedKeys: ['alias/b'] });
      expect(textOf(opened.plaintext)).to.equal(text);
    }
  });

  it('reports the outage, not damage, when no other key opens it', async () => {
    await using keys = localKeys('alias/a', 'alias/b');
    const message = await seal(keys, { keyId: 'alias/a', encryptionContext }, utf8('hello'));
    const down = withLayer(keys, (inner) => ({
      ...inner,
      decrypt: () => Promise.reject(new ProviderUnavailableError('down')),
    }));
    await expectRejection(
      open(keys, message, {
        ...EXPECTED,
        trustedKeys: [{ provider: down, keyId: 'alias/a' }, 'alias/b'],
      }),
      'UNAVAILABLE',
    );
  });

  it('is not sealed when one of its keys fails', async () => {
    await using keys = localKeys('alias/a');
    await expectRejection(
      seal(keys, { keyId: 'alias/a', otherKeys: ['alias/none'] }, utf8('hello')),
      'KEY_NOT_FOUND',
    );
  });

  it('is not opened by the same key for other pairs', async () => {
    await using keys = localKeys();
    const message = await seal(keys, { keyId: 'alias/a', encryptionContext }, utf8('hello'));
    const trustedKeys = ['alias/a'];
    for (const wrong of [{ order: '8' }, { Order: '7' }, { order: '7', more: '' }]) {
      await expectRejection(
        open(keys, message, { trustedKeys, encryptionContext: wrong }),
        'INVALID_CIPHERTEXT',
      );
    }
    using opened = await open(keys, message, { trustedKeys, encryptionContext: {} });
    expect(opened.encryptionContext).to.deep.equal(encryptionContext);
  });

  it('calls no provider for keys that are not trusted, named by their ARNs', async () => {
    await using keys = localKeys('alias/a', 'alias/b');
    const message = await seal(keys, { keyId: 'alias/a', encryptionContext }, utf8('hello'));
    const { keyId } = await keys.describeKey({ keyId: 'alias/b' });
    const counting = countDecrypts(keys);
    await expectRejection(
      open(counting.keys, message, { ...EXPECTED, trustedKeys: [keyId] }),
      'UNTRUSTED_KEY',
    );
    expect(counting.count()).to.equal(0);
  });
});

describe('A message of another provider', () => {
  it('is rejected by name', async () => {
    const { server, keys: kms } = await connect();
    await using local = localKeys('alias/a');
    const message = await seal(kms, { keyId: 'alias/a', encryptionContext }, utf8('hello'));
    const error = await rejection(open(local, message, { ...EXPECTED, trustedKeys: ['alias/a'] }));
    expect(error.code).to.equal('UNTRUSTED_KEY');
    expect(error.message).to.contain('no data key of the message is of a given provider (local)');
    await kms.close();
    await server.close();
  });
});

describe('A multi-Region key', () => {
  it('opens in one Region what was sealed in another', async () => {
    const id = 'mrk-1234abcd12ab34cd56ef1234567890ab';
    const keyMaterial = randomBytes(32);
    const inRegion = (region: string) =>
      new LocalKeyWrapProvider({ region, keys: [{ keyId: id, keyMaterial }] });
    await using virginia = inRegion('us-east-1');
    await using ireland = inRegion('eu-west-1');
    const replica = (await ireland.describeKey({ keyId: id })).keyId;
    const message = await seal(virginia, { keyId: id, encryptionContext }, utf8('hello'));
    using opened = await open(ireland, message, { ...EXPECTED, trustedKeys: [replica] });
    expect(opened.keyId).to.equal(replica);
    const other = replica.replace(id, 'mrk-00000000000000000000000000000000');
    await expectRejection(
      open(ireland, message, { ...EXPECTED, trustedKeys: [other] }),
      'UNTRUSTED_KEY',
    );
  });
});

function countDecrypts(keys: KeyWrapProvider) {
  let calls = 0;
  const counted = withLayer(keys, (inner) => ({
    ...inner,
    decrypt(request, call) {
      calls += 1;
      return inner.decrypt(request, call);
    },
  }));
  return { keys: counted, count: () => calls };
}
