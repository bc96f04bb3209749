import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openKeyWrapProvider } from '@keywrap/core';
import { localScheme } from '@keywrap/provider-local';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { expect } from 'chai';
import { locationOf } from '#dist/store/from-url.js';
import { FS_GROUP, mountForGroup } from './store/group-volume.js';
import { CHEAP } from './store/support.js';
import { expectRejection, rejection, utf8 } from './support.js';

const open = (url: string) => openKeyWrapProvider(url, [localScheme]);

describe('local: URLs', () => {
  for (const url of ['local:', 'LOCAL:', 'local:?', 'local:///', 'local:/']) {
    it(`${url} opens a provider without keys`, async () => {
      await using provider = await open(url);
      expect(provider.id).to.equal('local');
      await expectRejection(provider.describeKey({ keyId: 'alias/orders' }), 'KEY_NOT_FOUND');
    });
  }

  it('accept all parameters at once', async () => {
    await using provider = await open(
      'local:?engine=forge&partition=aws-cn&region=cn-north-1&account=999988887777&keys=alias/orders,orders-key&createMissingKeys=true',
    );
    const prefix = 'arn:aws-cn:kms:cn-north-1:999988887777:key/';
    const plaintext = utf8('x');
    const { keyId } = await provider.encrypt({ keyId: 'alias/orders', plaintext });
    expect(keyId.startsWith(prefix)).to.equal(true);
    for (const name of ['orders-key', 'another-key']) {
      const described = await provider.describeKey({ keyId: name });
      expect(described.keyId).to.equal(`${prefix}${name}`);
    }
  });

  it('accept percent-encoded names', async () => {
    await using provider = await open('local:?keys=alias%2Forders%2Calias%2Farchive');
    for (const keyId of ['alias/orders', 'alias/archive']) {
      expect((await provider.describeKey({ keyId })).keyState).to.equal('Enabled');
    }
  });

  it('with createMissingKeys=false make no keys', async () => {
    await using provider = await open('local:?createMissingKeys=false');
    await expectRejection(provider.describeKey({ keyId: 'alias/orders' }), 'KEY_NOT_FOUND');
  });

  for (const [what, url] of [
    ['a host', 'local://keys?keys=alias/orders'],
    ['a path', 'local:keys'],
    ['a path after a slash', 'local:/keys'],
    ['a fragment', 'local:#orders'],
    ['half an escape in its path', 'local:///keys%?passphraseEnv=PATH'],
    ['an escape that is not UTF-8 in its path', 'local:///%ff?passphraseEnv=PATH'],
    ['an escaped slash in its path', 'local:///a%2Fb?passphraseEnv=PATH'],
    ['NUL in its path', 'local:///a%00b?passphraseEnv=PATH'],
    ['the home folder of a shell', 'local:///~/keys?passphraseEnv=PATH'],
    ['the home folder of a user', 'local:///%7eann/keys?passphraseEnv=PATH'],
    ['a group that is no number', 'local:///keys.db?passphraseEnv=PATH&trustedGroup=staff'],
    ['a group for keys in memory', 'local:?trustedGroup=1000'],
    ['user information', 'local://user:hunter2@keys'],
    ['an unknown parameter', 'local:?key=alias/orders'],
    ['a parameter in other case', 'local:?Keys=alias/orders'],
    ['a repeated parameter', 'local:?keys=alias/a&keys=alias/b'],
    ['no name among the keys', 'local:?keys='],
    ['an empty name among the keys', 'local:?keys=alias/a,,alias/b'],
    ['a space in a name', 'local:?keys=alias/a,%20alias/b'],
    ['a key from elsewhere', 'local:?keys=arn:aws:kms:eu-west-1:111122223333:alias/a'],
    ['an unknown engine', 'local:?engine=openssl'],
    ['an empty engine', 'local:?engine='],
    ['a malformed region', 'local:?region=Frankfurt'],
    ['a malformed account', 'local:?account=1'],
    ['a malformed partition', 'local:?partition=azure'],
    ['a parameter of PostgreSQL', 'local:///keys.db?passphraseEnv=PATH&sslmode=require'],
    ['an unknown freshness', 'local+postgres://u@h/d?passphraseEnv=PATH&freshness=never'],
    ['another variant', 'local+mysql://u@h/d?passphraseEnv=PATH'],
    ['something else than true or false', 'local:?createMissingKeys=yes'],
    ['createMissingKeys without a value', 'local:?createMissingKeys'],
  ] as const) {
    it(`with ${what} are rejected`, async () => {
      const error = await rejection(open(url));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'url' });
      expect(error.message).not.to.include('hunter2');
    });
  }

  for (const url of ['local:///C:/keys?passphraseEnv=PATH', 'local:///c%3A?passphraseEnv=PATH']) {
    it(`${url} is rejected outside Windows`, async function () {
      if (process.platform === 'win32') this.skip();
      const error = await rejection(open(url));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'url' });
      expect(error.message).to.include('Windows');
    });
  }

  it('have a plus that is itself, in the path as in the parameters', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-scheme-'));
    after(() => rm(folder, { recursive: true, force: true }));
    await mkdir(path.join(folder, 'a+b'));
    await mkdir(path.join(folder, 'a b'));
    await writeFile(path.join(folder, 'a+b/pw'), 'correct horse');
    await writeFile(path.join(folder, 'a b/pw'), 'another passphrase');
    const location = path.join(folder, 'a+b/keys.db');
    const protectedBy = { passphrase: 'correct horse' };
    await (await SqlKeyStore.open({ location, protectedBy, scrypt: CHEAP, create: true })).close();
    const store = `local://${folder}/a+b/keys.db`;
    await (await open(`${store}?passphraseFile=${folder}/a+b/pw`)).close();
    await (await open(`${store}?passphraseFile=${folder}/a%2bb/pw`)).close();
    await expectRejection(open(`${store}?passphraseFile=${folder}/a%20b/pw`), 'ACCESS_DENIED');
  });

  it('say what can not be opened, by the parameters of a URL and not the options of a command', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-scheme-'));
    after(() => rm(folder, { recursive: true, force: true }));
    await writeFile(path.join(folder, 'pw'), 'correct horse');
    const missing = await rejection(open(`local://${folder}/none.db?passphraseFile=${folder}/pw`));
    expect(missing).to.include({ code: 'INVALID_INPUT', field: 'url' });
    expect(missing.message).to.match(/^url can not be opened: .*none\.db is not a key store/);
    const silent = await rejection(open(`local://${folder}/none.db`));
    expect(silent.message).to.include('a file (passphraseFile)').and.not.include('--');
  });

  it("name the group of a volume: a store on one of Kubernetes' fsGroup opens after each mount", async function () {
    if (process.platform === 'win32') this.skip();
    const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-scheme-'));
    after(() => rm(folder, { recursive: true, force: true }));
    const passphraseFile = path.join(folder, 'passphrase');
    await writeFile(passphraseFile, 'correct horse');
    const volume = path.join(folder, 'volume');
    await mkdir(volume);
    mountForGroup(volume);
    const url = `local://${volume}/keys/keys.db?passphraseFile=${passphraseFile}`;
    const trusting = `${url}&trustedGroup=${FS_GROUP}`;
    const modeOf = async (name: string) => ((await stat(name)).mode & 0o7777).toString(8);

    const created = await SqlKeyStore.open({
      location: `${volume}/keys/keys.db`,
      protectedBy: { passphrase: 'correct horse' },
      scrypt: CHEAP,
      create: true,
    });
    await created.close();
    const request = { keyId: 'alias/orders', plaintext: utf8('kept') };
    let ciphertext: Uint8Array | undefined;
    for (let mount = 0; mount < 2; mount++) {
      mountForGroup(volume);
      expect(await modeOf(`${volume}/keys`)).to.equal('2770');
      expect(await modeOf(`${volume}/keys/keys.db`)).to.equal('660');
      const keys = await open(`${trusting}&keys=alias/orders`);
      ciphertext ??= (await keys.encrypt(request)).ciphertext;
      expect((await keys.decrypt({ ciphertext })).plaintext).to.deep.equal(request.plaintext);
      await keys.close();
    }
    for (const refused of [url, `${url}&trustedGroup=${FS_GROUP + 1}`]) {
      const error = await rejection(open(refused));
      expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
      expect(error.message).to.include(`group ${FS_GROUP}`).and.to.include('trustedGroup');
    }
    await chmod(`${volume}/keys/keys.db`, 0o664);
    await expectRejection(open(trusting), 'ACCESS_DENIED');
  });

  it('hand a plus and a space to the client of PostgreSQL as they are', () => {
    const url = new URL('local+postgres://u@h/d?passphraseEnv=PATH&sslkey=/a+b/c%20d');
    const location = locationOf(url, [['sslkey', '/a+b/c d']]);
    expect(location).to.equal('postgres://u@h/d?sslkey=%2Fa%2Bb%2Fc%20d');
    expect(new URL(location).searchParams.get('sslkey')).to.equal('/a+b/c d');
  });

  it('name the wrong parameter', async () => {
    const { message } = await rejection(open('local:?engine=openssl'));
    expect(message).to.include('engine').and.to.include('forge');
  });
});
