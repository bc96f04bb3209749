import type { KeyWrapProvider } from '@keywrap/core';
import { openFields, sealFields } from '@keywrap/envelope';
import { DatabaseSync } from '@photostructure/sqlite';

export interface Customer {
  readonly id: string;
  readonly name: string;
  readonly iban: string;
  readonly notes: readonly string[];
}

/** The fields that are encrypted; the others can be searched. */
const FIELDS = ['/iban', '/notes'];
const KEY = 'alias/customers';

/** Customers in SQLite. Each record has its own data key, and its fields can't be moved to another record. */
export class Customers implements Disposable {
  readonly #database: InstanceType<typeof DatabaseSync>;
  readonly #keys: KeyWrapProvider;

  /** @param file Of the database. */
  constructor(file: string, keys: KeyWrapProvider) {
    this.#keys = keys;
    this.#database = new DatabaseSync(file);
    this.#database.exec('CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY, record TEXT)');
  }

  async put(customer: Customer): Promise<void> {
    const options = { keyId: KEY, encryptionContext: contextOf(customer.id), fields: FIELDS };
    const record = await sealFields(this.#keys, options, customer);
    this.#database
      .prepare('INSERT OR REPLACE INTO customers (id, record) VALUES (?, ?)')
      .run(customer.id, JSON.stringify(record));
  }

  async get(id: string): Promise<Customer | undefined> {
    const row = this.#database.prepare('SELECT record FROM customers WHERE id = ?').get(id) as
      | { readonly record: string }
      | undefined;
    if (row === undefined) return undefined;
    const options = { trustedKeys: [KEY], encryptionContext: contextOf(id), fields: FIELDS };
    return (await openFields(this.#keys, JSON.parse(row.record), options)) as unknown as Customer;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

const contextOf = (id: string) => ({ table: 'customers', id });
