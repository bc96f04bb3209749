import { readdirSync } from 'node:fs';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { expect } from 'chai';
import { describeKeyStore } from './contract.js';
import { rejection, useStoreFile } from './support.js';

describe('SqlKeyStore', () => {
  const file = useStoreFile();
  describeKeyStore('on SQLite', () => file.open());
});

describe('The options of SqlKeyStore', () => {
  const file = useStoreFile();

  for (const [name, values] of Object.entries({
    location: [undefined, '', 7, {}, 'a\0b'],
    protectedBy: [undefined, 'passphrase', null, {}],
    create: ['yes', 1],
    scrypt: ['cheap', { cost: 1, blockSize: 1, parallelization: 1 }],
    cachedRecords: [0, -1, 1.5, Number.NaN, '1'],
    trustedGroup: [-1, Number.NaN, '0'],
    lockTimeout: [-1, Number.NaN],
    freshness: ['sometimes'],
    folder: ['/keys'],
  })) {
    it(`reject a wrong ${name}, and create nothing (INVALID_INPUT)`, async () => {
      for (const value of values) {
        const protectedBy = { passphrase: 'p' };
        const options = { location: file.path, protectedBy, create: true, [name]: value };
        for (const work of [
          () => SqlKeyStore.open(options as never),
          () => SqlKeyStore.create(options as never),
          () => SqlKeyStore.restore(options as never, 'backup.db'),
        ]) {
          expect(await rejection(work())).to.include({ code: 'INVALID_INPUT' });
        }
      }
      expect(readdirSync(file.folder)).to.deep.equal([]);
    });
  }
});
