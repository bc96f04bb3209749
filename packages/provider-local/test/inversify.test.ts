import 'reflect-metadata';
import type { KeyWrapProvider } from '@keywrap/core';
import { injectKeyWrap, KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
import { MemoryKeyStore } from '@keywrap/provider-local';
import { localKeyWrapModule } from '@keywrap/provider-local/inversify';
import { expect } from 'chai';
import { Container, inject, injectable, named } from 'inversify';
import { ALL, expectRejection, thrown, utf8 } from './support.js';

describe('localKeyWrapModule', () => {
  it('binds one provider with these options', async () => {
    const container = new Container();
    await container.load(localKeyWrapModule({ keys: ['alias/orders'], region: 'eu-west-1' }));
    const provider = container.get<KeyWrapProvider>(KEY_WRAP_PROVIDER);
    expect(container.get(KEY_WRAP_PROVIDER)).to.equal(provider);
    const { keyId } = await provider.encrypt({ keyId: 'alias/orders', plaintext: utf8('x') });
    expect(keyId).to.include(':eu-west-1:');
  });

  it('binds without options', () => {
    const container = new Container();
    container.load(localKeyWrapModule());
    expect(container.get<KeyWrapProvider>(KEY_WRAP_PROVIDER).id).to.equal('local');
  });

  it('binds several, by name, for a service that takes them', async () => {
    class Archive {
      constructor(
        readonly keys: KeyWrapProvider,
        readonly archiveKeys: KeyWrapProvider,
      ) {}
    }
    // Does the work of decorators, which these tests are compiled without.
    injectable()(Archive);
    injectKeyWrap()(Archive, undefined as never, 0 as never);
    inject(KEY_WRAP_PROVIDER)(Archive, undefined, 1);
    named('archive')(Archive, undefined, 1);

    const container = new Container();
    container.load(localKeyWrapModule({ keys: ['alias/now'] }));
    container.load(localKeyWrapModule({ name: 'archive', keys: ['alias/then'] }));
    container.bind(Archive).toSelf();
    const { keys, archiveKeys } = container.get(Archive);
    expect((await keys.describeKey({ keyId: 'alias/now' })).keyState).to.equal('Enabled');
    const then = await archiveKeys.describeKey({ keyId: 'alias/then' });
    expect(then.keyState).to.equal('Enabled');
    await expectRejection(keys.describeKey({ keyId: 'alias/then' }), 'KEY_NOT_FOUND');
  });

  it('closes the provider when it is unloaded, but not a store that was passed in', async () => {
    const store = new MemoryKeyStore();
    const container = new Container();
    const module = localKeyWrapModule({ store, keys: ['alias/orders'] });
    container.load(module);
    const provider = container.get<KeyWrapProvider>(KEY_WRAP_PROVIDER);
    await provider.describeKey({ keyId: 'alias/orders' });
    await container.unloadAsync(module);
    await expectRejection(provider.describeKey({ keyId: 'alias/orders' }), 'CLOSED');
    expect(await store.listKeys(ALL)).to.have.length(1);
  });

  it('names the wrong option when the provider is resolved', async () => {
    const container = new Container();
    container.load(localKeyWrapModule({ account: '1' }));
    const error = await thrown(() => container.get(KEY_WRAP_PROVIDER));
    expect(error).to.have.property('field', 'options.account');
  });
});
