import { readFile } from 'node:fs/promises';
import type { ArnScope } from '@keywrap/core';
import { type KmsServerOptions, startKmsServer } from '@keywrap/kms-server';
import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import {
  arnOf,
  type KeyRecord,
  Keys,
  newKey,
  newKeyId,
  newSymmetricVersion,
  type Page,
} from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import {
  ACCOUNT,
  bytes,
  newKey as createKey,
  openStore,
  REGION,
  start,
  useStorePath,
} from './support.js';

const ALL = { scope: undefined, after: undefined, limit: 10 };
const ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;

describe('The option store', () => {
  const file = useStorePath();

  /** Returns the error of a start, and checks that it has written nothing. */
  async function rejectionOf(options: KmsServerOptions) {
    const contents = () => readFile(file.path, 'base64').catch(() => undefined);
    const before = await contents();
    try {
      await startKmsServer({ port: 0, store: () => openStore(file.path), ...options });
    } catch (error) {
      expect(await contents()).to.equal(before);
      return error as Error & Record<string, unknown>;
    }
    throw new Error('it started');
  }

  it('closes a store that the server opened, not one that was passed in', async () => {
    const given = await openStore(file.path);
    const subject = await start({ store: given });
    await createKey(subject.kms);
    await subject[Symbol.asyncDispose]();
    expect(await given.listKeys(ALL)).to.have.length(1);
    await given.close();

    const opened = await openStore(file.path);
    await (await start({ store: async () => opened }))[Symbol.asyncDispose]();
    const { code } = await opened.loadKey(ARN).catch((error) => error);
    expect(code).to.equal('CLOSED');
  });

  it('accepts any store, and one in memory outlives the server', async () => {
    const store = new MemoryKeyStore();
    const first = await start({ store });
    const KeyId = await createKey(first.kms);
    const { CiphertextBlob } = await first.kms.encrypt({ KeyId, Plaintext: bytes('x') });
    await first[Symbol.asyncDispose]();
    await using second = await start({ store });
    expect((await second.kms.decrypt({ CiphertextBlob })).Plaintext).to.deep.equal(bytes('x'));
  });

  it('rejects anything that is not a store, and passes on errors of opening one', async () => {
    for (const store of [{}, 'folder', () => ({})]) {
      expect(await rejectionOf({ store: store as never })).to.include({
        code: 'INVALID_INPUT',
        field: 'store',
      });
    }
    const store = () => Promise.reject(new Error('no disk'));
    expect(await rejectionOf({ store })).to.have.property('message', 'no disk');
  });

  it('rejects the keys of another account', async () => {
    const subject = await start({ store: () => openStore(file.path) });
    await createKey(subject.kms);
    await subject[Symbol.asyncDispose]();
    const error = await rejectionOf({ account: '999999999999' });
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'account' });
    expect(error.message).to.include(ACCOUNT).and.include('999999999999');
  });

  it('serves the keys of a LocalKeyWrapProvider, which serves those of the server', async () => {
    await using store = await openStore(file.path);
    await using provider = new LocalKeyWrapProvider({ store, account: ACCOUNT, region: REGION });
    const { keyId } = await provider.createKey({ alias: 'alias/orders' });
    await using subject = await start({ store });
    const sealed = await subject.kms.encrypt({ KeyId: 'alias/orders', Plaintext: bytes('x') });
    expect(sealed.KeyId).to.equal(keyId);
    const { CiphertextBlob: ciphertext = new Uint8Array() } = sealed;
    using opened = await provider.decrypt({ ciphertext });
    expect(opened.plaintext).to.deep.equal(bytes('x'));
    const { Policy } = await subject.kms.getKeyPolicy({ KeyId: keyId });
    expect(JSON.parse(Policy as string).Id).to.equal('key-default-1');
  });

  it('rejects keys that no request could name', async () => {
    await using store = await openStore(file.path);
    for (const scope of [
      { partition: 'aws-cn', region: REGION, account: ACCOUNT },
      { partition: 'aws', region: 'here', account: ACCOUNT },
    ]) {
      const keys = new Keys(store, scope, () => new Date());
      const key = await keys.add(await symmetricKey(scope));
      const error = await rejectionOf({ store });
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'store' });
      expect(error.message).to.include(arnOf(key)).and.include('use another store');
      await store.change({ keys: [arnOf(key)], aliases: [] }, (transaction) =>
        transaction.removeKey(arnOf(key)),
      );
    }
  });

  it('checks only one key of each Region and account', async () => {
    await using store = await openStore(file.path);
    for (const region of ['eu-west-1', 'us-east-1']) {
      const scope = { partition: 'aws', region, account: ACCOUNT };
      const keys = new Keys(store, scope, () => new Date());
      for (let i = 0; i < 5; i++) await keys.add(await symmetricKey(scope));
    }
    const foreign = { partition: 'aws', region: 'us-east-1', account: '999999999999' };
    await new Keys(store, foreign, () => new Date()).add(await symmetricKey(foreign));
    let rows = 0;
    const counting = new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name !== 'listKeys') return value.bind(target);
        return async (page: Page) => {
          const keys = await target.listKeys(page);
          rows += keys.length;
          return keys;
        };
      },
    });
    expect(await rejectionOf({ store: counting })).to.include({ field: 'account' });
    expect(rows).to.equal(3);
  });
});

async function symmetricKey(scope: ArnScope): Promise<KeyRecord> {
  const id = newKeyId();
  return newKey({
    scope,
    id,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    origin: 'AWS_KMS',
    description: '',
    creationDate: new Date(),
    version: await newSymmetricVersion(id),
    tags: [],
    policy: undefined,
  });
}
