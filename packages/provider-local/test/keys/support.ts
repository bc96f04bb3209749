import { type KeyWrapError, ProviderUnavailableError, parseKeyId } from '@keywrap/core';
import {
  type ChangeNames,
  KeyMaterial,
  type KeyRecord,
  Keys,
  type NewKey,
  newKey,
  newVersion,
  type Transaction,
} from '@keywrap/provider-local/keys';
import { MemoryKeyStore } from '#dist/store/memory-key-store.js';
import { Clock } from '../support.js';

export const SCOPE = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };

/** A store in memory whose writes can be made to fail. */
export class FailingStore extends MemoryKeyStore {
  failure: KeyWrapError | undefined;
  /** The number of changes requested. */
  changes = 0;

  override change<Result>(names: ChangeNames, body: (transaction: Transaction) => Result) {
    this.changes++;
    if (this.failure === undefined) return super.change(names, body);
    return Promise.reject(this.failure);
  }
}

export const diskFull = () => new ProviderUnavailableError('the disk is full');

/** The keys of one scope, in a store and with a clock that a test can reach into. */
export function openKeys(store = new FailingStore(), clock = new Clock(), scope = SCOPE) {
  return { keys: new Keys(store, scope, clock.now), store, clock };
}

let count = 0;

/** The record of a new key; by default symmetric. */
export async function record(key: Partial<NewKey> = {}): Promise<KeyRecord> {
  const id = key.id ?? `key-${++count}`;
  return newKey({
    scope: SCOPE,
    id,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    origin: 'AWS_KMS',
    description: '',
    creationDate: new Date(0),
    version: key.origin === 'EXTERNAL' ? undefined : await version(id),
    tags: [],
    policy: undefined,
    ...key,
  });
}

/** A version of a symmetric key, with material of one repeated byte or random material. */
export function version(keyId: string, byte?: number, validTo?: Date) {
  const material =
    byte === undefined
      ? KeyMaterial.random(32)
      : new KeyMaterial(new Uint8Array(new ArrayBuffer(32)).fill(byte));
  return newVersion(keyId, { material, publicKey: undefined }, { description: undefined, validTo });
}

/** Finds a key as the local provider does. */
export async function find(keys: Keys, name: string): Promise<KeyRecord | undefined> {
  const parsed = parseKeyId(name);
  return keys.peek(parsed) ?? (await keys.load(parsed));
}

/** Returns the material of a key, newest last, or `missing`. */
export const materials = (key: KeyRecord | undefined) =>
  key?.versions.map(({ material }) => material ?? 'missing');
