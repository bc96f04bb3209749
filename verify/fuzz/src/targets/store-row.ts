import { strict as assert } from 'node:assert';
import type { AliasRecord, KeyRecord, KeyVersion } from '@keywrap/provider-local/keys';
import { KeyMaterial } from '@keywrap/provider-local/keys';
import {
  decodeAlias,
  decodeKey,
  encodeAlias,
  encodeKey,
} from '../../../../packages/provider-local/dist/store/records.js';
import { jsonMutation } from '../json-mutation.js';
import { attempt, type FuzzTarget } from '../target.js';

const SCOPE = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };
const KEY_ARN = 'arn:aws:kms:eu-west-1:111122223333:key/a';
const ALIAS_ARN = 'arn:aws:kms:eu-west-1:111122223333:alias/a';
const DATE = new Date('2026-01-02T03:04:05.678Z');

/**
 * The sealed content of a row, written with the key of the store, decodes to what was written or not at all.
 * The first byte of an input: even, a key; odd, an alias.
 */
export const storeRow: FuzzTarget = {
  name: 'store-row',
  words: (
    '{ } [ ] {} [] , : null true -1 0 1e999 "" "__proto__":{}, "versions": "material":32 "version": ' +
    '"rotation": "date": "type":"AUTOMATIC" "publicKey": "creationDate": "tags": "scope": "policy": ' +
    '"automaticRotation": "pendingVersion":'
  ).split(' '),
  mutation: jsonMutation,
  async open() {
    return {
      seeds: [
        Uint8Array.of(0, ...encodeKey(sampleKey())),
        Uint8Array.of(1, ...encodeAlias(SAMPLE_ALIAS)),
      ],
      async run(input) {
        const content = input.slice(1);
        if (((input[0] ?? 0) & 1) === 0) await runKey(content);
        else await runAlias(content);
      },
    };
  },
};

async function runKey(content: Uint8Array): Promise<void> {
  const read = await attempt(() => decodeKey(KEY_ARN, 'a', content), ['UNSUPPORTED']);
  if (read === undefined) return;
  const again = decodeKey(KEY_ARN, 'a', encodeKey(read));
  assert.deepEqual(comparable(again), comparable(read));
}

async function runAlias(content: Uint8Array): Promise<void> {
  const read = await attempt(() => decodeAlias(ALIAS_ARN, KEY_ARN, content), ['UNSUPPORTED']);
  if (read !== undefined) {
    assert.deepEqual(decodeAlias(ALIAS_ARN, KEY_ARN, encodeAlias(read)), read);
  }
}

/** With the material as text, which a record does not show. */
function comparable(record: KeyRecord | undefined): unknown {
  const version = (of: KeyVersion) => ({
    ...of,
    material: of.material && Buffer.from(of.material.bytes).toString('hex'),
  });
  return (
    record && {
      ...record,
      versions: record.versions.map(version),
      pendingVersion: record.pendingVersion && version(record.pendingVersion),
    }
  );
}

const SAMPLE_ALIAS: AliasRecord = {
  scope: SCOPE,
  alias: 'alias/a',
  keyId: 'a',
  creationDate: DATE,
  lastUpdatedDate: DATE,
};

function sampleKey(): KeyRecord {
  const version = (number: number, fields: Partial<KeyVersion> = {}): KeyVersion => ({
    version: number,
    materialId: String(number).repeat(64),
    material: new KeyMaterial(new Uint8Array(32).fill(number)),
    publicKey: undefined,
    rotation: undefined,
    description: undefined,
    validTo: undefined,
    ...fields,
  });
  return {
    scope: SCOPE,
    id: 'a',
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    keyState: 'PendingDeletion',
    origin: 'EXTERNAL',
    description: 'Заказы',
    creationDate: DATE,
    deletionDate: DATE,
    pendingWindowInDays: 7,
    versions: [
      version(1, { publicKey: Uint8Array.of(1, 2, 3), validTo: DATE, description: 'first' }),
      version(2, { rotation: { date: DATE, type: 'ON_DEMAND' }, material: undefined }),
    ],
    pendingVersion: version(3),
    automaticRotation: { periodInDays: 90, nextDate: DATE },
    primaryRegion: 'eu-west-1',
    tags: [{ key: 'team', value: 'orders' }],
    policy: '{}',
  };
}
