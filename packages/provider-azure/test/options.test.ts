import { openKeyWrapProvider } from '@keywrap/core';
import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
import { AzureKeyWrapProvider, azureScheme } from '@keywrap/provider-azure';
import { azureKeyWrapModule } from '@keywrap/provider-azure/inversify';
import { expect } from 'chai';
import { Container } from 'inversify';
import { readOptions } from '#dist/options.js';
import { rejection } from './support.js';

const VAULT = 'https://my-vault.vault.azure.net';

describe('Options of AzureKeyWrapProvider', () => {
  const WRONG: readonly (readonly [title: string, options: object, field: string])[] = [
    ['no vault', {}, 'vaultUrl'],
    ['plain HTTP', { vaultUrl: 'http://my-vault.vault.azure.net' }, 'vaultUrl'],
    ['the URL of a key', { vaultUrl: `${VAULT}/keys/orders` }, 'vaultUrl'],
    ['a password', { vaultUrl: 'https://u:p@my-vault.vault.azure.net' }, 'vaultUrl'],
    ['a credential that is none', { vaultUrl: VAULT, credential: 'token' }, 'credential'],
    ['an alias that is none', { vaultUrl: VAULT, aliases: { orders: 'orders' } }, 'aliases'],
    ['managedHsm in words', { vaultUrl: VAULT, managedHsm: 'yes' }, 'managedHsm'],
    ['options of the client that are none', { vaultUrl: VAULT, clientOptions: 1 }, 'clientOptions'],
    ['a misspelt option', { vaultURL: VAULT }, 'vaultURL'],
  ];
  for (const [title, options, field] of WRONG) {
    it(`reject ${title} (INVALID_INPUT)`, async () => {
      const error = await rejection((async () => readOptions(options))());
      expect(error).to.include({ code: 'INVALID_INPUT', field: `options.${field}` });
    });
  }

  it('declare RSA alone for a key vault, and AES too for a managed HSM', () => {
    const vault = new AzureKeyWrapProvider({ vaultUrl: VAULT }).capabilities;
    expect(vault.dataKeyAlgorithm).to.equal('RSAES_OAEP_SHA_256');
    expect(vault.encryptionContext).to.equal(false);
    const hsm = new AzureKeyWrapProvider({ vaultUrl: 'https://a.managedhsm.azure.net' });
    expect(hsm.capabilities.algorithms).to.include('SYMMETRIC_DEFAULT');
  });
});

describe('azure: URLs', () => {
  for (const [title, url] of [
    ['no host', 'azure:///keys'],
    ['a secret', 'azure://user:secret@my-vault.vault.azure.net'],
    ['a key', 'azure://my-vault.vault.azure.net/keys/orders'],
    ['a parameter', 'azure://my-vault.vault.azure.net?secret=a'],
  ] as const) {
    it(`reject ${title} (INVALID_INPUT)`, async () => {
      const error = await rejection(openKeyWrapProvider(url, [azureScheme]));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'url' });
      expect(error.message).not.to.include('secret@');
    });
  }

  it('open a provider', async () => {
    await using keys = await openKeyWrapProvider('azure://my-vault.vault.azure.net', [azureScheme]);
    expect(keys.id).to.equal('azure');
  });
});

describe('azureKeyWrapModule', () => {
  it('binds a provider', () => {
    const container = new Container();
    container.load(azureKeyWrapModule({ vaultUrl: VAULT }));
    expect(container.get(KEY_WRAP_PROVIDER)).to.be.instanceOf(AzureKeyWrapProvider);
  });
});
