import { createHash, createHmac } from 'node:crypto';
import { type ArnScope, formatAliasArn, formatKeyArn } from '@keywrap/core';
import type { SqlKeyStore } from '@keywrap/provider-local/store';
import { KeyMaterial } from '../../../packages/provider-local/dist/keys/material.js';
import type { KeyRecord, KeyVersion } from '../../../packages/provider-local/dist/keys/record.js';
import type { Transaction } from '../../../packages/provider-local/dist/keys/store.js';
import { oneOf, type Random } from './random.js';

/** A change of the keys and aliases of one worker, which nobody else changes. */
export type Change =
  | {
      readonly do: 'create' | 'add-alias' | 'move-alias';
      readonly id: string;
      readonly alias: string;
    }
  | { readonly do: 'rotate' | 'disable' | 'enable' | 'remove'; readonly id: string }
  | { readonly do: 'remove-alias'; readonly alias: string };

/** What a store holds of one worker, in words that can be compared: a line for each key and each alias. */
export type Contents = ReadonlyMap<string, string>;

const SCOPE: ArnScope = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };
const PAGE = 500;

const keyLine = (id: string) => `key ${id}`;
const aliasLine = (alias: string) => `alias ${alias}`;
const describe = (state: string, versions: number) => `${state}, versions: ${versions}`;

/** What is there after a change. */
export function after(contents: Contents, change: Change): Contents {
  const next = new Map(contents);
  if (change.do === 'remove-alias') {
    next.delete(aliasLine(change.alias));
    return next;
  }
  const { id } = change;
  const [state = 'Enabled', versions = '1'] =
    contents.get(keyLine(id))?.split(', versions: ') ?? [];
  if (change.do === 'remove') {
    for (const [line, text] of contents) if (text === id) next.delete(line);
    next.delete(keyLine(id));
    return next;
  }
  const wanted = change.do === 'disable' ? 'Disabled' : change.do === 'enable' ? 'Enabled' : state;
  next.set(keyLine(id), describe(wanted, Number(versions) + Number(change.do === 'rotate')));
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
export async function makeChange(store: SqlKeyStore, change: Change): Promise<void> {
  const names = {
    keys: 'id' in change ? [formatKeyArn(change.id, SCOPE)] : [],
    aliases: 'alias' in change ? [formatAliasArn(`alias/${change.alias}`, SCOPE)] : [],
  };
  await store.change(names, (transaction) => change_(transaction, change, names.keys[0]));
}

function change_(transaction: Transaction, change: Change, arn = ''): void {
  if (change.do === 'remove-alias') {
    transaction.removeAlias(formatAliasArn(`alias/${change.alias}`, SCOPE));
    return;
  }
  if (change.do === 'remove') {
    transaction.removeKey(arn);
    return;
  }
  const { id } = change;
  if (change.do === 'create') transaction.putKey(newKey(id));
  const key = transaction.key(arn);
  if (key === undefined) throw new Error(`the key ${id} is not there`);
  if (change.do === 'rotate') {
    transaction.putKey({
      ...key,
      versions: [...key.versions, newVersion(id, key.versions.length + 1)],
    });
  }
  if (change.do === 'disable') transaction.putKey({ ...key, keyState: 'Disabled' });
  if (change.do === 'enable') transaction.putKey({ ...key, keyState: 'Enabled' });
  if (!('alias' in change)) return;
  const now = new Date();
  const alias = `alias/${change.alias}`;
  transaction.putAlias({ scope: SCOPE, alias, keyId: id, creationDate: now, lastUpdatedDate: now });
}

/** What a store holds of a worker. Key material that is another than was put there shows in a line. */
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
    ({ material }, index) => material?.equals(materialOf(id, index + 1)) === true,
  );
  return describe(isRight ? keyState : `${keyState} with wrong material`, versions.length);
}

function newKey(id: string): KeyRecord {
  return {
    scope: SCOPE,
    id,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    keyState: 'Enabled',
    origin: 'AWS_KMS',
    description: '',
    creationDate: new Date(),
    deletionDate: undefined,
    versions: [newVersion(id, 1)],
    pendingVersion: undefined,
    automaticRotation: undefined,
    primaryRegion: undefined,
    tags: [],
    policy: undefined,
  };
}

function newVersion(id: string, version: number): KeyVersion {
  const material = materialOf(id, version);
  return {
    version,
    materialId: createHmac('sha256', material.bytes).update(id).digest('hex'),
    material,
    publicKey: undefined,
    rotation: version === 1 ? undefined : { date: new Date(), type: 'ON_DEMAND' },
    description: undefined,
    validTo: undefined,
  };
}

/** Not random, so that it can be told afterwards whether it is the right one. */
function materialOf(id: string, version: number): KeyMaterial {
  return new KeyMaterial(createHash('sha256').update(`${id} ${version}`).digest());
}
