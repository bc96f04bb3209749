import { arnPrefix } from '@keywrap/core';
import type { Page } from '../keys/store.js';
import type { SqlValue, Statement } from './dialect.js';

/** The version of this format. Version 1 was a folder of files. */
export const FORMAT = 2;

/** A dialect's names of types, and its options of a table. */
export interface ColumnTypes {
  /** Text that compares byte by byte. */
  readonly text: string;
  /** Integers up to 2^53. */
  readonly integer: string;
  readonly bytes: string;
  readonly tableOptions: string;
}

/**
 * The tables. Every value that a query uses is a column, authenticated by the row's seal; the rest is sealed.
 * `version` is the generation of the store that wrote the row.
 */
export function createTables({ text, integer, bytes, tableOptions }: ColumnTypes): string[] {
  return [
    `create table keywrap_store (
      one ${integer} primary key check (one = 1), id ${text} not null, format ${integer} not null,
      generation ${integer} not null, protection ${text} not null, sealed ${bytes} not null) ${tableOptions}`,
    `create table keywrap_keys (
      arn ${text} primary key, id ${text} not null, version ${integer} not null, sealed ${bytes} not null) ${tableOptions}`,
    'create index keywrap_keys_by_id on keywrap_keys (id)',
    `create table keywrap_aliases (
      arn ${text} primary key, key_arn ${text} not null, version ${integer} not null, sealed ${bytes} not null) ${tableOptions}`,
    'create index keywrap_aliases_by_key on keywrap_aliases (key_arn, arn)',
  ];
}

/** A table of rows: keys or aliases. */
export interface Table {
  readonly name: 'keys' | 'aliases';
  /** The column, besides the ARN, by which rows are found. */
  readonly reference: 'id' | 'key_arn';
}

/** A row whose columns have the right types, still sealed. */
export interface StoredRow {
  readonly arn: string;
  /** The id of a key, or the ARN of an alias's key. */
  readonly reference: string;
  /** The generation of the store that wrote it. */
  readonly version: number;
  readonly sealed: Uint8Array;
}

export const KEYS: Table = { name: 'keys', reference: 'id' };
export const ALIASES: Table = { name: 'aliases', reference: 'key_arn' };

/** The most bytes that a row seals: many times what AWS KMS lets a key have. */
export const MAXIMUM_SEALED = 2 ** 20;
/** The most bytes of an ARN, or of an id. */
const MAXIMUM_TEXT = 4096;
/** The most bytes of the store's row: a ciphertext of AWS KMS, in base64, takes half. */
const MAXIMUM_STORE = 2 ** 14;

/** Null where it is longer: a value may be as long as whoever can write to the database wants it. */
const bounded = (column: string, maximum: number) =>
  `case when octet_length(${column}) <= ${maximum} then ${column} end as ${column}`;

/** With the length of the texts in bytes, because a binding may end them at the first NUL. */
const read = ({ reference }: Table) =>
  `${bounded('arn', MAXIMUM_TEXT)}, ${bounded(reference, MAXIMUM_TEXT)}, version, ${bounded('sealed', MAXIMUM_SEALED)},
    octet_length(arn) + octet_length(${reference}) as octets`;

/** Not read where it is longer than any store writes. */
export const selectStore = (): Statement => ({
  sql: `select id, format, generation, protection, sealed from keywrap_store
    where octet_length(id) + octet_length(protection) + octet_length(sealed) <= ${MAXIMUM_STORE} limit 2`,
  parameters: [],
});

export const insertStore = (id: string, protection: string, sealed: Uint8Array): Statement => ({
  sql: `insert into keywrap_store values (1, ?1, ${FORMAT}, 0, ?2, ?3)`,
  parameters: [id, protection, sealed],
});

export const updateStore = (
  generation: number,
  protection: string,
  sealed: Uint8Array,
): Statement => ({
  sql: 'update keywrap_store set generation = ?1, protection = ?2, sealed = ?3',
  parameters: [generation, protection, sealed],
});

const select = (table: Table, where: string, parameters: SqlValue[], limit = ''): Statement => ({
  sql: `select ${read(table)} from keywrap_${table.name} where ${where} order by keywrap_${table.name}.arn ${limit}`,
  parameters,
});

export const selectRow = (table: Table, arn: string) => select(table, 'arn = ?1', [arn]);

/** The rows with this id, or the aliases of this key. */
export const selectByReference = (table: Table, reference: string) =>
  select(table, `${table.reference} = ?1`, [reference]);

const KEY_OF_ALIAS = '(select key_arn from keywrap_aliases where arn = ?1)';

/** The key of an alias. */
export const selectKeyOfAlias = (alias: string) => select(KEYS, `arn = ${KEY_OF_ALIAS}`, [alias]);

/** All aliases of an alias's key. */
export const selectAliasesBeside = (alias: string) =>
  select(ALIASES, `key_arn = ${KEY_OF_ALIAS}`, [alias]);

/** The aliases of all keys with this id. */
export const selectAliasesOfId = (id: string) =>
  select(ALIASES, 'key_arn in (select arn from keywrap_keys where id = ?1)', [id]);

/** The ARNs that bound a page, exclusive, and its length. */
export type Range = readonly [after: string, before: string, limit: number];

/** Returns what a page selects of a table. */
export function rangeOf({ name }: Table, { scope, after = '', limit }: Page): Range {
  const resource = name === 'keys' ? 'key/' : 'alias/';
  const start = scope === undefined ? 'arn:' : arnPrefix(scope) + resource;
  // ':' and '/', at the end of `start`, with what comes after them in ASCII.
  const end = start.slice(0, -1) + (start.endsWith('/') ? '0' : ';');
  return [after > start ? after : start, end, limit];
}

export const selectPage = (table: Table, range: Range, reference?: string) => {
  const within = 'arn > ?1 and arn < ?2';
  return reference === undefined
    ? select(table, within, [...range], 'limit ?3')
    : select(table, `${within} and ${table.reference} = ?4`, [...range, reference], 'limit ?3');
};

export const putRow = (
  table: Table,
  { arn, reference, version, sealed }: StoredRow,
): Statement => ({
  sql: `insert into keywrap_${table.name} (arn, ${table.reference}, version, sealed) values (?1, ?2, ?3, ?4) on conflict (arn)
    do update set ${table.reference} = excluded.${table.reference}, version = excluded.version, sealed = excluded.sealed`,
  parameters: [arn, reference, version, sealed],
});

export const deleteRow = (table: Table, arn: string): Statement => ({
  sql: `delete from keywrap_${table.name} where arn = ?1`,
  parameters: [arn],
});
