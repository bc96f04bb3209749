import { openKeyWrapProvider } from '@keywrap/core';
import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
import {
  VaultKeyWrapProvider,
  type VaultKeyWrapProviderOptions,
  vaultScheme,
} from '@keywrap/provider-vault';
import { vaultKeyWrapModule } from '@keywrap/provider-vault/inversify';
import { expect } from 'chai';
import { Container } from 'inversify';
import { readOptions } from '#dist/options.js';
import { rejection, thrown } from './support.js';

const ADDRESS = 'https://vault.example.com:8200';
const GOOD = { address: ADDRESS, token: 'hvs.example' };

describe('Options of VaultKeyWrapProvider', () => {
  const WRONG: readonly (readonly [title: string, options: object, field: string])[] = [
    ['no address', { token: 't' }, 'address'],
    ['an address without a scheme', { ...GOOD, address: 'vault.example.com:8200' }, 'address'],
    ['an address with a password', { ...GOOD, address: 'https://u:p@h' }, 'address'],
    ['plain HTTP to another machine', { ...GOOD, address: 'http://vault:8200' }, 'address'],
    ['no credentials', { address: ADDRESS }, 'token'],
    ['a token with a line break', { ...GOOD, token: 'a\nb' }, 'token'],
    ['two credentials', { ...GOOD, appRole: { roleId: 'r', secretId: 's' } }, 'appRole'],
    [
      'an AppRole without a secret',
      { address: ADDRESS, appRole: { roleId: 'r' } },
      'appRole.secretId',
    ],
    ['a Kubernetes role without a name', { address: ADDRESS, kubernetes: {} }, 'kubernetes.role'],
    ['a mount that climbs', { ...GOOD, mount: '../sys' }, 'mount'],
    ['a mount with a dot segment', { ...GOOD, mount: 'a/./b' }, 'mount'],
    ['a namespace with a query', { ...GOOD, namespace: 'a?b' }, 'namespace'],
    ['an alias that is none', { ...GOOD, aliases: { orders: 'orders' } }, 'aliases'],
    ['an alias of a path', { ...GOOD, aliases: { 'alias/a': '../sys' } }, 'aliases'],
    ['a timeout of 0', { ...GOOD, requestTimeout: 0 }, 'requestTimeout'],
    ['a fetch that is none', { ...GOOD, fetch: 'fetch' }, 'fetch'],
    ['a misspelt option', { ...GOOD, adress: ADDRESS }, 'adress'],
  ];
  for (const [title, options, field] of WRONG) {
    it(`reject ${title} (INVALID_INPUT)`, async () => {
      const error = await thrown(() => readOptions(options, {}));
      expect(error).to.include({ code: 'INVALID_INPUT', field: `options.${field}` });
    });
  }

  it('name both variables that a token may come from', async () => {
    const error = await thrown(() => readOptions({ address: ADDRESS }, {}));
    expect(error.message).to.include('BAO_TOKEN or VAULT_TOKEN');
  });

  it('come from the environment, as those of the command bao', () => {
    const options = readOptions(
      {},
      { VAULT_ADDR: `${ADDRESS}/`, BAO_TOKEN: 'hvs.example', VAULT_NAMESPACE: 'team/' },
    );
    expect(options).to.include({ address: ADDRESS, namespace: 'team', mount: 'transit' });
  });

  it('take an address without its empty query and fragment', () => {
    for (const end of ['/', '/?', '#', '/?#', '//']) {
      expect(readOptions({ ...GOOD, address: `${ADDRESS}${end}` }, {}).address).to.equal(ADDRESS);
    }
  });

  it('reject options whose getter throws (INVALID_INPUT)', async () => {
    const options = {
      get address(): string {
        throw new Error('no');
      },
    };
    const error = await thrown(() => new VaultKeyWrapProvider(options));
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'options' });
  });
});

describe('vault: URLs', () => {
  const WRONG: readonly (readonly [title: string, url: string])[] = [
    ['no host', 'vault:///transit'],
    ['a token', 'vault://hvs.token@host/transit'],
    ['a fragment', 'vault://host/transit#x'],
    ['an unknown parameter', 'vault://host/transit?token=t'],
    ['plain HTTP to another machine', 'vault+http://host/transit'],
    ['a timeout in words', 'vault://host/transit?requestTimeout=long'],
  ];
  for (const [title, url] of WRONG) {
    it(`reject ${title} (INVALID_INPUT)`, async () => {
      const error = await rejection(openKeyWrapProvider(url, [vaultScheme]));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'url' });
      expect(error.message).not.to.include('hvs.token');
    });
  }

  it('open a provider for an engine', async () => {
    const before = process.env.VAULT_TOKEN;
    process.env.VAULT_TOKEN = 'hvs.example';
    try {
      for (const url of [
        'vault://host:8200/transit/eu?namespace=team&requestTimeout=100',
        'vault+http://127.0.0.1:8200',
      ]) {
        await using provider = await openKeyWrapProvider(url, [vaultScheme]);
        expect(provider.id).to.equal('vault');
      }
    } finally {
      if (before === undefined) delete process.env.VAULT_TOKEN;
      else process.env.VAULT_TOKEN = before;
    }
  });
});

describe('vaultKeyWrapModule', () => {
  it('binds a provider', () => {
    const container = new Container();
    const options: VaultKeyWrapProviderOptions = GOOD;
    container.load(vaultKeyWrapModule(options));
    expect(container.get(KEY_WRAP_PROVIDER)).to.be.instanceOf(VaultKeyWrapProvider);
  });
});
