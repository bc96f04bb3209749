import { type KmsServerOptions, startKmsServer } from '@keywrap/kms-server';
import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local/old-keys';
import { expect } from 'chai';
import {
  ACCOUNT,
  bytes,
  contentsOf,
  newKey,
  openStore,
  REGION,
  start,
  useFolder,
} from './support.js';

const ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;

describe('The option store', () => {
  const folder = useFolder();

  /** What a start is refused with, when it has written nothing. */
  async function refusalOf(options: KmsServerOptions) {
    const before = await contentsOf(folder.path);
    try {
      await startKmsServer({ port: 0, store: () => openStore(folder.path), ...options });
    } catch (error) {
      expect(await contentsOf(folder.path)).to.deep.equal(before);
      return error as Error & Record<string, unknown>;
    }
    throw new Error('it started');
  }

  it('closes a store that the server opened, and leaves one that it was given', async () => {
    const given = await openStore(folder.path);
    const subject = await start({ store: given });
    await newKey(subject.kms);
    await subject[Symbol.asyncDispose]();
    expect(await given.listKeys()).to.have.length(1);
    await given.close();

    const opened = await openStore(folder.path);
    await (await start({ store: async () => opened }))[Symbol.asyncDispose]();
    expect(() => opened.readKey('a')).to.throw('this key store was closed');
  });

  it('takes any store: one in memory can outlive the server', async () => {
    const store = new MemoryKeyStore();
    const first = await start({ store });
    const KeyId = await newKey(first.kms);
    const { CiphertextBlob } = await first.kms.encrypt({ KeyId, Plaintext: bytes('x') });
    await first[Symbol.asyncDispose]();
    await using second = await start({ store });
    expect((await second.kms.decrypt({ CiphertextBlob })).Plaintext).to.deep.equal(bytes('x'));
  });

  it('refuses what is no store, and passes on what opening it throws', async () => {
    for (const store of [{}, 'folder', () => ({})]) {
      expect(await refusalOf({ store: store as never })).to.include({
        code: 'INVALID_INPUT',
        field: 'store',
      });
    }
    const store = () => Promise.reject(new Error('no disk'));
    expect(await refusalOf({ store })).to.have.property('message', 'no disk');
  });

  it('refuses the keys of another account', async () => {
    const subject = await start({ store: () => openStore(folder.path) });
    await newKey(subject.kms);
    await subject[Symbol.asyncDispose]();
    const error = await refusalOf({ account: '999999999999' });
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'account' });
    expect(error.message).to.include(ACCOUNT).and.include('999999999999');
  });

  it('refuses keys that another program made', async () => {
    const store = await openStore(folder.path);
    await new LocalKeyWrapProvider({ store }).createKey();
    expect(await refusalOf({ store })).to.include({ code: 'INVALID_INPUT', field: 'store' });
    const [key] = await store.listKeys();
    await store.changeKey(key?.id as string, () => undefined);
    for (const id of [ARN, ARN.replace('aws', 'aws-cn'), ARN.replace(REGION, 'here')]) {
      await store.changeKey(id, () => key && { ...key, id });
      const error = await refusalOf({ store });
      expect(error.code).to.equal(id === ARN ? 'UNSUPPORTED' : 'INVALID_INPUT');
      expect(error.message).to.include(id).and.include('use another store');
      await store.changeKey(id, () => undefined);
    }
    await store.close();
  });

  it('refuses keys that a newer release made', async () => {
    const store = await openStore(folder.path);
    await using subject = await start({ store });
    const KeyId = await newKey(subject.kms);
    await store.changeKey(KeyId, (key) => key && { ...key, details: '{"kms":2}' });
    const error = await refusalOf({});
    expect(error).to.include({ code: 'UNSUPPORTED' });
    expect(error.message).to.include('newer release').and.include(KeyId);
  });
});
