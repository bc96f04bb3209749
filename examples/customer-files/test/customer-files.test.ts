import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { InvalidCiphertextError } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { DatabaseSync } from '@photostructure/sqlite';
import { expect } from 'chai';
import { CustomerFiles } from '#dist/customer-files.js';
import { type Customer, Customers } from '#dist/customers.js';

describe('customer-files', () => {
  let folder: string;
  let keys: LocalKeyWrapProvider;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'customer-files-'));
    keys = new LocalKeyWrapProvider({ keys: ['alias/customers', 'alias/files'] });
  });

  afterEach(async () => {
    await keys.close();
    await rm(folder, { recursive: true });
  });

  describe('Customers', () => {
    const ada: Customer = { id: '7', name: 'Ada', iban: 'DE02120300000000202051', notes: ['mail'] };
    const database = () => path.join(folder, 'customers.sqlite');

    it('reads what it wrote, also after a restart', async () => {
      {
        using customers = new Customers(database(), keys);
        await customers.put(ada);
      }
      using customers = new Customers(database(), keys);
      expect(await customers.get('7')).to.deep.equal(ada);
      expect(await customers.get('8')).to.equal(undefined);
    });

    it('writes names in clear, and nothing of the encrypted fields', async () => {
      {
        using customers = new Customers(database(), keys);
        await customers.put(ada);
      }
      const stored = await readFile(database());
      expect([ada.name, ada.iban, 'mail'].map((text) => stored.includes(text))).to.deep.equal([
        true,
        false,
        false,
      ]);
    });

    it('does not open fields that were moved to another record', async () => {
      using customers = new Customers(database(), keys);
      await customers.put(ada);
      await customers.put({ ...ada, id: '8', iban: 'DE02500105170137075030' });
      const direct = new DatabaseSync(database());
      direct.exec("UPDATE customers SET record = (SELECT record FROM customers WHERE id = '8')");
      direct.close();
      expect(await failureOf(customers.get('7'))).to.be.instanceOf(InvalidCiphertextError);
    });
  });

  describe('CustomerFiles', () => {
    const content = randomBytes(300_000);
    const stored = (name: string) => path.join(folder, encodeURIComponent(`7/${name}`));

    it('exports what was put', async () => {
      const files = new CustomerFiles(folder, keys);
      await files.put('7', 'a.pdf', Readable.from([content], { objectMode: false }));
      expect((await readFile(stored('a.pdf'))).includes(content.subarray(0, 16))).to.equal(false);
      const target = path.join(folder, 'a.pdf');
      await files.export('7', 'a.pdf', target);
      expect((await readFile(target)).equals(content)).to.equal(true);
    });

    it('exports nothing of a truncated file, nor of one under another name', async () => {
      const files = new CustomerFiles(folder, keys);
      await files.put('7', 'a.pdf', Readable.from([content], { objectMode: false }));
      await copyFile(stored('a.pdf'), stored('b.pdf'));
      await truncate(stored('a.pdf'), 200_000);
      for (const name of ['a.pdf', 'b.pdf']) {
        const failure = await failureOf(files.export('7', name, path.join(folder, 'out')));
        expect(failure).to.be.instanceOf(InvalidCiphertextError);
      }
      expect((await readdir(folder)).filter((name) => name.includes('out'))).to.deep.equal([]);
    });

    it('keeps nothing of a file that did not arrive completely', async () => {
      const files = new CustomerFiles(folder, keys);
      const broken = Readable.from(
        (function* () {
          yield content;
          throw new Error('the connection broke');
        })(),
      );
      expect(await failureOf(files.put('7', 'a.pdf', broken))).to.have.property(
        'message',
        'the connection broke',
      );
      expect(await readdir(folder)).to.deep.equal([]);
    });
  });
});

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}
