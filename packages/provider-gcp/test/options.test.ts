import { openKeyWrapProvider } from '@keywrap/core';
import { KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
import { GcpKeyWrapProvider, gcpScheme } from '@keywrap/provider-gcp';
import { gcpKeyWrapModule } from '@keywrap/provider-gcp/inversify';
import { expect } from 'chai';
import { Container } from 'inversify';
import { readOptions } from '#dist/options.js';
import { rejection } from './support.js';

const PLACE = { project: 'my-project', location: 'europe-west1', keyRing: 'my-ring' };
const URL = 'gcp-kms://projects/my-project/locations/europe-west1/keyRings/my-ring';

describe('Options of GcpKeyWrapProvider', () => {
  const WRONG: readonly (readonly [title: string, options: object, field: string])[] = [
    ['no project', { location: 'global' }, 'project'],
    ['a resource name as project', { ...PLACE, project: 'projects/my-project' }, 'project'],
    ['no location', { project: 'my-project' }, 'location'],
    ['a path as key ring', { ...PLACE, keyRing: 'my-ring/cryptoKeys/orders' }, 'keyRing'],
    ['an alias that is none', { ...PLACE, aliases: { orders: 'orders' } }, 'aliases'],
    [
      'an alias of a key without a ring, where there is no default',
      { project: 'p', location: 'global', aliases: { 'alias/orders': 'orders' } },
      'aliases',
    ],
    ['plain HTTP to another host', { ...PLACE, endpoint: 'http://kms.example.com' }, 'endpoint'],
    ['an endpoint with a path', { ...PLACE, endpoint: 'https://kms.example.com/v1' }, 'endpoint'],
    ['a password', { ...PLACE, endpoint: 'https://u:p@kms.example.com' }, 'endpoint'],
    ['retries in words', { ...PLACE, clientRetries: 'no' }, 'clientRetries'],
    ['no time at all', { ...PLACE, requestTimeout: 0 }, 'requestTimeout'],
    ['options of the client that are none', { ...PLACE, clientOptions: 1 }, 'clientOptions'],
    ['a misspelt option', { ...PLACE, keyring: 'my-ring' }, 'keyring'],
  ];
  for (const [title, options, field] of WRONG) {
    it(`reject ${title} (INVALID_INPUT)`, async () => {
      const error = await rejection((async () => readOptions(options))());
      expect(error).to.include({ code: 'INVALID_INPUT', field: `options.${field}` });
    });
  }

  it('accept a domain-scoped project, and each kind of endpoint', () => {
    for (const endpoint of ['https://kms.example.com', 'http://127.0.0.1:9090', 'http://[::1]']) {
      readOptions({ ...PLACE, project: 'example.com:my-project', endpoint });
    }
  });
});

describe('gcp-kms: URLs', () => {
  for (const [title, url] of [
    ['no project', 'gcp-kms:///locations/global'],
    ['another collection', 'gcp-kms://folders/1/locations/global'],
    ['a key', `${URL}/cryptoKeys/orders`],
    ['a secret', 'gcp-kms://user:secret@projects/p/locations/global'],
    ['an unknown parameter', `${URL}?secret=a`],
    ['a time-out that is no number', `${URL}?requestTimeout=1e3`],
    ['an endpoint over plain HTTP', `${URL}?endpoint=http://kms.example.com`],
  ] as const) {
    it(`reject ${title} (INVALID_INPUT)`, async () => {
      const error = await rejection(openKeyWrapProvider(url, [gcpScheme]));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'url' });
      expect(error.message).not.to.include('secret@');
    });
  }

  it('open a provider of a key ring, or of a location', async () => {
    for (const url of [URL, 'gcp-kms://projects/example.com:p/locations/global', `${URL}/`]) {
      await using keys = await openKeyWrapProvider(`${url}?requestTimeout=1000`, [gcpScheme]);
      expect(keys.id).to.equal('gcp-kms');
    }
  });
});

describe('gcpKeyWrapModule', () => {
  it('binds a provider', () => {
    const container = new Container();
    container.load(gcpKeyWrapModule(PLACE));
    expect(container.get(KEY_WRAP_PROVIDER)).to.be.instanceOf(GcpKeyWrapProvider);
  });
});
