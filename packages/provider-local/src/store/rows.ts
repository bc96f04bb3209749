import { InvalidInputError, isUint8Array, wipe } from '@keywrap/core';
import { type AliasRecord, aliasArnOf, arnOf, type KeyRecord, targetOf } from '../keys/record.js';
import type { Row, Statement } from './dialect.js';
import { DamagedStoreError } from './errors.js';
import { keepMaterials, releaseMaterials, weakly } from './materials.js';
import type { StoreKey } from './protection/store-key.js';
import { decodeAlias, decodeKey, encodeAlias, encodeKey } from './records.js';
import { RowSet } from './row-set.js';
import {
  ALIASES,
  FORMAT,
  insertStore,
  KEYS,
  MAXIMUM_SEALED,
  putRow,
  type StoredRow,
  type Table,
  updateStore,
} from './schema.js';
import { type Place, RowSeal } from './seal.js';

/** A table and the records in its rows. */
export interface RecordTable<Content> extends Table {
  arnOf(record: Content): string;
  referenceOf(record: Content): string;
  encode(record: Content): Uint8Array;
  decode(arn: string, reference: string, content: Uint8Array): Content | undefined;
  /** Returns the record, reusing unchanged material of the previous one. */
  keep(record: Content, before: Content | undefined): Content;
  /** Remembers a record for as long as anything uses its material. */
  weakly(record: Content): () => Content | undefined;
  /** Destroys material of a record that is not in the next one. */
  release(record: Content, next: Content | undefined): void;
}

export const KEY_RECORDS: RecordTable<KeyRecord> = {
  ...KEYS,
  arnOf,
  referenceOf: ({ id }) => id,
  encode: encodeKey,
  decode: decodeKey,
  keep: keepMaterials,
  weakly,
  release: releaseMaterials,
};

export const ALIAS_RECORDS: RecordTable<AliasRecord> = {
  ...ALIASES,
  arnOf: aliasArnOf,
  referenceOf: targetOf,
  encode: encodeAlias,
  decode: decodeAlias,
  keep: (record) => record,
  weakly: () => () => undefined,
  release: () => {},
};

/** The content of the store's one row. */
export interface StoreState {
  /** The number of changes ever made to the store. */
  readonly generation: number;
  /** How the store's key is protected, as JSON. */
  readonly protection: string;
  readonly set: RowSet;
}

/**
 * The parts of the store's row that are readable without its key. Do not trust them before {@link
 * Rows.openStore}.
 */
export interface StoreRow {
  readonly id: string;
  readonly generation: number;
  readonly protection: string;
  readonly sealed: Uint8Array;
}

/** Converts rows to records and back. Checks everything it reads, including the types. */
export class Rows {
  readonly #location: string;
  readonly #seal: RowSeal;

  /** @param location Names the store in errors. */
  constructor(location: string, storeId: string, { rows, setHash }: StoreKey) {
    this.#location = location;
    this.#seal = new RowSeal(storeId, rows, setHash);
  }

  /** Checks the types of a row. @throws {@link DamagedStoreError} */
  read(table: Table, row: Row): StoredRow {
    const { arn, version, sealed, octets, [table.reference]: reference } = row;
    if (
      !isText(arn) ||
      !isText(reference) ||
      !isCount(version) ||
      !isUint8Array(sealed) ||
      Buffer.byteLength(arn) + Buffer.byteLength(reference) !== octets
    ) {
      throw this.#damaged(table, arn, 'has columns of the wrong type');
    }
    return { arn, reference, version, sealed };
  }

  /** Opens a row. @throws {@link DamagedStoreError} if any part of it was changed. */
  open<Content>(table: RecordTable<Content>, row: StoredRow): Content {
    const content = this.#seal.open(placeOf(table, row), row.sealed);
    if (content === undefined) {
      const problem = 'was changed, or is a copy of another: it does not authenticate';
      throw this.#damaged(table, row.arn, problem);
    }
    const record = table.decode(row.arn, row.reference, content);
    if (record !== undefined) return record;
    const problem = 'is authentic, but is not what this release of keywrap writes';
    throw this.#damaged(table, row.arn, problem);
  }

  /**
   * Seals a record.
   *
   * @throws {@link InvalidInputError} for a record that {@link open} would reject.
   */
  seal<Content>(table: RecordTable<Content>, record: Content, version: number): StoredRow {
    const [arn, reference] = [table.arnOf(record), table.referenceOf(record)];
    const content = table.encode(record);
    const read = table.decode(arn, reference, content.slice());
    if (read === undefined) {
      wipe(content);
      throw new InvalidInputError('record', `of ${arn} can't be stored: a field has a wrong type`);
    }
    table.release(read, undefined);
    const sealed = this.#seal.seal(placeOf(table, { arn, reference, version }), content);
    if (sealed.length > MAXIMUM_SEALED) {
      throw new InvalidInputError(
        'record',
        `of ${arn} can't be stored: it is longer than ${MAXIMUM_SEALED} bytes`,
      );
    }
    return { arn, reference, version, sealed };
  }

  /** The statement that writes a row, which is added to the set. */
  put(table: Table, row: StoredRow, set: RowSet): Statement {
    set.add(table, this.hash(table, row));
    return putRow(table, row);
  }

  /** Returns a row's part of the set hash. */
  hash(table: Table, row: StoredRow): bigint {
    return this.#seal.hash(placeOf(table, row), row.sealed);
  }

  /** @throws {@link DamagedStoreError} */
  openStore(rows: readonly Row[] | undefined): StoreState {
    const row = parseStoreRow(this.#location, rows);
    const content = this.#seal.open(placeOfStore(row), row.sealed);
    if (content === undefined) {
      throw new DamagedStoreError(
        this.#location,
        'has a changed store row: it does not authenticate',
      );
    }
    const { generation, protection } = row;
    return { generation, protection, set: RowSet.decode(this.#location, content) };
  }

  /** Returns the statement that writes the store's row. */
  sealStore({ generation, protection, set }: StoreState): Statement {
    return updateStore(generation, protection, this.#sealStore(generation, protection, set));
  }

  /** Returns the statement that inserts the row of a new store, at generation 0. */
  newStore(id: string, protection: string): Statement {
    return insertStore(id, protection, this.#sealStore(0, protection, new RowSet()));
  }

  #sealStore(generation: number, protection: string, set: RowSet): Uint8Array {
    return this.#seal.seal(placeOfStore({ generation, protection }), set.encode());
  }

  #damaged({ name }: Table, arn: unknown, problem: string): DamagedStoreError {
    const row = isText(arn) ? JSON.stringify(arn.slice(0, 2048)) : 'of no ARN';
    return new DamagedStoreError(
      this.#location,
      `is damaged: the row ${row} in ${name} ${problem}`,
      isText(arn) ? { keyId: arn } : undefined,
    );
  }
}

/** Checks the types of the store's row. @throws {@link DamagedStoreError}, also if it is missing. */
export function parseStoreRow(location: string, rows: readonly Row[] | undefined): StoreRow {
  if (rows?.length !== 1) throw new DamagedStoreError(location, 'has lost its store row');
  const { id, format, generation, protection, sealed } = rows[0] as Row;
  if (
    !isText(id) ||
    !isCount(format) ||
    !isCount(generation) ||
    !isText(protection) ||
    !isUint8Array(sealed)
  ) {
    throw new DamagedStoreError(location, 'has a store row with columns of the wrong type');
  }
  if (format !== FORMAT) {
    throw new DamagedStoreError(
      location,
      `has format ${format}, and this release of keywrap knows format ${FORMAT}`,
      { advice: 'use the release that wrote it' },
    );
  }
  return { id, generation, protection, sealed };
}

function placeOf({ name }: Table, { arn, reference, version }: Omit<StoredRow, 'sealed'>): Place {
  return [name, arn, reference, version];
}

function placeOfStore({ generation, protection }: Pick<StoreRow, 'generation' | 'protection'>) {
  return ['store', generation, protection];
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
