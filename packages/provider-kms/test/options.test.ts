import { openKeyWrapProvider } from '@keywrap/core';
import { KmsKeyWrapProvider, kmsScheme } from '@keywrap/provider-kms';
import { expect } from 'chai';
import { CREDENTIALS, rejection, stubbedClient, thrown, withEnvironment } from './support.js';

/** Calls it as plain JavaScript can. */
const construct = (options: unknown) => () => new KmsKeyWrapProvider(options as object);

describe('KmsKeyWrapProvider, options', () => {
  it('accepts no option, and every option', () => {
    new KmsKeyWrapProvider();
    new KmsKeyWrapProvider({});
    new KmsKeyWrapProvider({
      region: 'us-gov-west-1',
      endpoint: 'https://kms.internal.example:8443/path',
      credentials: CREDENTIALS,
      profile: 'production',
      maxAttempts: 1,
      connectionTimeout: 1000,
      requestTimeout: 2 ** 31 - 1,
      grantTokens: ['token'],
    });
    new KmsKeyWrapProvider({ credentials: async () => CREDENTIALS, region: undefined });
    new KmsKeyWrapProvider({ client: stubbedClient().client, grantTokens: [] });
  });

  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    region: ['', 'eu west', 'EU-WEST-1', 'evil.example', '-a', 'a'.repeat(64), 7, null],
    endpoint: [
      '',
      'localhost:80',
      'ftp://x',
      '//x',
      'https://user:secret@x',
      7,
      new URL('http://x'),
    ],
    credentials: ['', null, {}, { accessKeyId: 'a' }, { accessKeyId: 'a', secretAccessKey: '' }],
    profile: ['', 7, null],
    maxAttempts: [0, -1, 1.5, Number.NaN, Infinity, '3', null],
    connectionTimeout: [0, 2 ** 31, '1'],
    requestTimeout: [0, -5, true],
    grantTokens: ['token', [''], [7], Array(11).fill('t'), ['t'.repeat(8193)], null],
    client: [{}, null, 'client', () => {}],
    // A misspelt option must not fall back to a default.
    regoin: ['eu-west-1', undefined],
    constructor: ['x'],
  };
  for (const [field, values] of Object.entries(wrong)) {
    it(`rejects a wrong ${field} (INVALID_INPUT)`, async () => {
      for (const value of values) {
        const error = await thrown(construct({ [field]: value }));
        expect(error, String(value)).to.include({
          code: 'INVALID_INPUT',
          field: `options.${field}`,
        });
        expect(error.message).not.to.contain('secret@');
      }
    });
  }

  it('rejects anything but an object of options (INVALID_INPUT)', async () => {
    for (const options of [null, 'eu-west-1', 7, [], () => {}]) {
      expect(await thrown(construct(options))).to.include({ code: 'INVALID_INPUT' });
    }
  });

  it('rejects options that throw when they are read (INVALID_INPUT)', async () => {
    const fail = () => {
      throw new Error('the cause');
    };
    for (const options of [
      new Proxy({}, { ownKeys: fail }),
      Object.defineProperty({}, 'region', { get: fail, enumerable: true }),
      { credentials: new Proxy({}, { get: fail }) },
    ]) {
      const error = await thrown(construct(options));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'options' });
    }
  });

  it('rejects a client together with connection options (INVALID_INPUT)', async () => {
    const { client } = stubbedClient();
    const error = await thrown(construct({ client, region: 'eu-west-1' }));
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'options.region' });
  });

  it('ignores later changes of the grant tokens', async () => {
    const { client, send } = stubbedClient();
    const grantTokens = ['first'];
    const keys = new KmsKeyWrapProvider({ client, grantTokens });
    grantTokens.push('second');
    await rejection(keys.describeKey({ keyId: 'a' }));
    expect(send.firstCall.args[0].input.GrantTokens).to.deep.equal(['first']);
  });
});

describe('kmsScheme', () => {
  const open = (url: string) => openKeyWrapProvider(url, [kmsScheme]);

  it('opens a provider', async () => {
    for (const url of [
      'aws-kms:',
      'aws-kms://',
      'aws-kms://eu-west-1',
      'aws-kms://?endpoint=http://127.0.0.1:8080',
      'aws-kms://eu-west-1?endpoint=http%3A%2F%2F127.0.0.1&profile=p&maxAttempts=2&connectionTimeout=10&requestTimeout=20',
    ]) {
      expect(await open(url), url).to.be.instanceOf(KmsKeyWrapProvider);
    }
  });

  for (const [url, named] of [
    ['aws-kms://eu-west-1?regoin=x', 'regoin'],
    ['aws-kms://eu-west-1?region=eu-west-2', 'region'],
    ['aws-kms://?maxAttempts=1&maxAttempts=2', 'maxAttempts'],
    ['aws-kms://?maxAttempts=', 'maxAttempts'],
    ['aws-kms://?maxAttempts=0x10', 'maxAttempts'],
    ['aws-kms://?maxAttempts=0', 'maxAttempts'],
    ['aws-kms://?connectionTimeout=1e3', 'connectionTimeout'],
    ['aws-kms://?requestTimeout=-1', 'requestTimeout'],
    ['aws-kms://?requestTimeout=99999999999', 'requestTimeout'],
    ['aws-kms://?endpoint=localhost', 'endpoint'],
    ['aws-kms://?endpoint=http://u:secret@x', 'endpoint'],
    ['aws-kms://?profile=', 'profile'],
    ['aws-kms://user:secret@eu-west-1', 'username'],
    ['aws-kms://:secret@eu-west-1', 'password'],
    ['aws-kms://eu-west-1:443', 'port'],
    ['aws-kms://eu-west-1/', 'pathname'],
    ['aws-kms:eu-west-1', 'pathname'],
    ['aws-kms://eu-west-1#secret', 'hash'],
    ['aws-kms://evil.example', 'region'],
  ] as const) {
    it(`rejects ${url}, naming ${named} (INVALID_INPUT)`, async () => {
      const error = await rejection(open(url));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'url' });
      expect(error.message).to.contain(named).and.not.contain('secret');
    });
  }

  it('rejects the URL of another scheme (INVALID_INPUT)', async () => {
    expect(await rejection(kmsScheme.open(new URL('local:')))).to.include({ field: 'url' });
  });

  it('connects as the URL says', async () => {
    await withEnvironment({}, async () => {
      const keys = await open('aws-kms://eu-west-1?endpoint=http://127.0.0.1:1&profile=nobody');
      // Without the profile, it fails before it connects.
      const error = await rejection(keys.describeKey({ keyId: 'a' }));
      expect(error).to.include({ code: 'ACCESS_DENIED' });
      await keys.close();
    });
  });
});
