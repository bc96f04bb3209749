import { createHash } from 'node:crypto';
import { type ArnScope, formatAliasArn, formatKeyArn } from '@keywrap/core';
import {
  KeyMaterial,
  type KeyRecord,
  type KeyVersion,
  newKey,
  newVersion,
  type Transaction,
} from '@keywrap/provider-local/keys';
import type { SqlKeyStore } from '@keywrap/provider-local/store';
import { oneOf, type Random } from './random.js';

/** A change of the keys and aliases of one worker, which no one else changes. */
export type Change =
  | {
      readonly do: 'create' | 'add-alias' | 'move-alias';
      readonly id: string;
      readonly alias: string;
    }
  | { readonly do: 'rotate' | 'disable' | 'enable' | 'remove'; readonly id: string }
  | { readonly do: 'remove-alias'; readonly alias: string };

/** The contents of a store for one worker, as comparable text: a line for each key and each alias. */
export type Contents = ReadonlyMap<string, string>;

const SCOPE: ArnScope = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };
const PAGE = 500;

const keyLine = (id: string) => `key ${id}`;
const aliasLine = (alias: string) => `alias ${alias}`;
const describe = (state: string, versions: number) => `${state}, versions: ${versions}`;

function versionsOf(contents: Contents, change: Change): number {
  const line = 'id' in change ? contents.get(keyLine(change.id)) : undefined;
  return Number(line?.split(', versions: ')[1] ?? 0);
}

/** Returns the contents after a change. */
export function after(contents: Contents, change: Change): Contents {
  const next = new Map(contents);
  if (change.do === 'remove-alias') {
    next.delete(aliasLine(change.alias));
    return next;
  }
  const { id } = change;
  const [state = 'Enabled'] = contents.get(keyLine(id))?.split(', versions: ') ?? [];
  const versions = versionsOf(contents, change) || 1;
  if (change.do === 'remove') {
    for (const [line, text] of contents) if (text === id) next.delete(line);
    next.delete(keyLine(id));
    return next;
  }
  const wanted = change.do === 'disable' ? 'Disabled' : change.do === 'enable' ? 'Enabled' : state;
  next.set(keyLine(id), describe(wanted, versions + Number(change.do === 'rotate')));
  if ('alias' in change) next.set(aliasLine(change.alias), id);
  return next;
}

/** A change that can be made now. @param fresh A name that no key and no alias ever had. */
export function chooseChange(contents: Contents, fresh: string, random: Random): Change {
  const names = (kind: string) =>
    [...contents.keys()]
      .filter((line) => line.startsWith(kind))
      .map((line) => line.slice(kind.length));
  const id = oneOf(names('key '), random);
  const alias = oneOf(names('alias '), random);
  const dice = random();
  if (id === undefined || dice < 0.3) return { do: 'create', id: fresh, alias: fresh };
  if (dice < 0.45) return { do: 'rotate', id };
  if (dice < 0.6) return { do: dice < 0.53 ? 'disable' : 'enable', id };
  if (dice < 0.75) return { do: 'remove', id };
  if (dice < 0.85) return { do: 'add-alias', id, alias: fresh };
  if (alias === undefined) return { do: 'rotate', id };
  return dice < 0.93 ? { do: 'move-alias', id, alias } : { do: 'remove-alias', alias };
}

/** Makes a change: a key and its alias in one. */
export async function makeChange(
  store: SqlKeyStore,
  change: Change,
  contents: Contents,
): Promise<void> {
  const names = {
    keys: 'id' in change ? [formatKeyArn(change.id, SCOPE)] : [],
    aliases: 'alias' in change ? [formatAliasArn(`alias/${change.alias}`, SCOPE)] : [],
  };
  const isVersionNeeded = change.do === 'create' || change.do === 'rotate';
  const count = change.do === 'create' ? 1 : versionsOf(contents, change) + 1;
  const version = isVersionNeeded ? await makeVersion(change.id, count) : undefined;
  await store.change(names, (transaction) => apply(transaction, change, version));
}

function apply(transaction: Transaction, change: Change, version: KeyVersion | undefined): void {
  if (change.do === 'remove-alias') {
    transaction.removeAlias(formatAliasArn(`alias/${change.alias}`, SCOPE));
    return;
  }
  const { id } = change;
  const arn = formatKeyArn(id, SCOPE);
  if (change.do === 'remove') {
    transaction.removeKey(arn);
    return;
  }
  const creationDate = new Date();
  if (change.do === 'create') transaction.putKey(makeKey(id, creationDate, version));
  const key = transaction.key(arn);
  if (key === undefined) throw new Error(`the key ${id} is not there`);
  if (change.do === 'rotate' && version !== undefined) {
    transaction.putKey({ ...key, versions: [...key.versions, version] });
  }
  if (change.do === 'disable') transaction.putKey({ ...key, keyState: 'Disabled' });
  if (change.do === 'enable') transaction.putKey({ ...key, keyState: 'Enabled' });
  if (!('alias' in change)) return;
  const alias = `alias/${change.alias}`;
  transaction.putAlias({
    scope: SCOPE,
    alias,
    keyId: id,
    creationDate,
    lastUpdatedDate: creationDate,
  });
}

/** Reads the contents of a store for one worker. A line reveals changed key material. */
export async function readContents(store: SqlKeyStore, worker: string): Promise<Contents> {
  const contents = new Map<string, string>();
  const mine = `${worker}-`;
  for (let last: string | undefined; ; ) {
    const page = await store.listKeys({ scope: SCOPE, after: last, limit: PAGE });
    for (const key of page) {
      if (key.id.startsWith(mine)) contents.set(keyLine(key.id), describeKey(key));
    }
    const end = page.at(-1);
    if (end === undefined) break;
    last = formatKeyArn(end.id, SCOPE);
  }
  for (let last: string | undefined; ; ) {
    const page = await store.listAliases({ scope: SCOPE, after: last, limit: PAGE });
    for (const { alias, keyId } of page) {
      const name = alias.slice('alias/'.length);
      if (name.startsWith(mine)) contents.set(aliasLine(name), keyId);
    }
    const end = page.at(-1);
    if (end === undefined) return contents;
    last = formatAliasArn(end.alias, SCOPE);
  }
}

function describeKey({ id, keyState, versions }: KeyRecord): string {
  const isRight = versions.every(
    ({ material }, index) =>
      material !== undefined &&
      Buffer.compare(material.bytes, materialOf(id, index + 1).bytes) === 0,
  );
  return describe(isRight ? keyState : `${keyState} with wrong material`, versions.length);
}

function makeKey(id: string, creationDate: Date, version: KeyVersion | undefined): KeyRecord {
  return newKey({
    scope: SCOPE,
    id,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    origin: 'AWS_KMS',
    description: '',
    creationDate,
    version,
    tags: [],
    policy: undefined,
  });
}

async function makeVersion(id: string, version: number): Promise<KeyVersion> {
  const first = await newVersion(id, { material: materialOf(id, version), publicKey: undefined });
  if (version === 1) return first;
  return { ...first, version, rotation: { date: new Date(), type: 'ON_DEMAND' } };
}

/** Makes material that is not random, so that it can be checked later. */
function materialOf(id: string, version: number): KeyMaterial {
  return new KeyMaterial(createHash('sha256').update(`${id} ${version}`).digest());
}
