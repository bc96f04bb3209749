import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { kmsKeyWrapModule } from '@keywrap/provider-kms/inversify';
import { expect } from 'chai';
import { Container } from 'inversify';
import { rejection, stubbedClient, thrown } from './support.js';

describe('kmsKeyWrapModule', () => {
  it('binds one provider, made with the options', async () => {
    const { client, send } = stubbedClient();
    const container = new Container();
    container.load(kmsKeyWrapModule({ client, grantTokens: ['token'] }));
    const keys = container.get(KEY_WRAP_PROVIDER);
    expect(keys).to.be.instanceOf(KmsKeyWrapProvider).and.equal(container.get(KEY_WRAP_PROVIDER));
    await rejection(keys.describeKey({ keyId: 'a' }));
    expect(send.firstCall.args[0].input.GrantTokens).to.deep.equal(['token']);
  });

  it('binds several under names', async () => {
    const container = new Container();
    container.load(
      kmsKeyWrapModule({ region: 'eu-west-1', name: 'europe' }),
      kmsKeyWrapModule({ region: 'us-east-1', name: 'america' }),
    );
    const europe = container.get(KEY_WRAP_PROVIDER, { name: 'europe' });
    expect(europe).not.to.equal(container.get(KEY_WRAP_PROVIDER, { name: 'america' }));
  });

  it('closes the provider when the module is unloaded', async () => {
    const module = kmsKeyWrapModule();
    const container = new Container();
    container.load(module);
    const keys = container.get(KEY_WRAP_PROVIDER);
    await container.unloadAsync(module);
    expect(await rejection(keys.describeKey({ keyId: 'a' }))).to.include({ code: 'CLOSED' });
  });

  it('rejects wrong options when the provider is resolved (INVALID_INPUT)', async () => {
    const container = new Container();
    container.load(kmsKeyWrapModule({ region: 'nowhere at all' }));
    expect(await thrown(() => container.get(KEY_WRAP_PROVIDER))).to.include({
      field: 'options.region',
    });
  });
});
