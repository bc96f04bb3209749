import { strict as assert } from 'node:assert';
import { type KeyWrapErrorCode, LIMITS } from '@keywrap/core';
import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import {
  arnOf,
  KeyMaterial,
  type KeyRecord,
  newKey,
  newVersion,
} from '@keywrap/provider-local/keys';
import {
  decodeBlob,
  encodeBlob,
  encodeBlobHeader,
} from '../../../../packages/provider-local/dist/cipher/blob.js';
import { attempt, type FuzzTarget } from '../target.js';

const KEY_IDS = ['orders', '1234abcd-12ab-34cd-56ef-1234567890ab'] as const;
const CODES = ['INVALID_CIPHERTEXT', 'KEY_NOT_FOUND', 'INVALID_INPUT'] as const;
const encryptionContext = { order: '4711', customer: 'acme' };

/** A blob that was not made by a key opens with none, in neither engine. */
export const blob: FuzzTarget = {
  name: 'blob',
  words: ['kwb\x01', ...KEY_IDS, '\u00ff'.repeat(255)],
  async open() {
    const stores = await Promise.all([0, 1].map(storeWithKeys));
    const providers = (['node', 'forge'] as const).map(
      (engine, index) =>
        new LocalKeyWrapProvider({ engine, store: stores[index] as MemoryKeyStore }),
    );
    const secrets = KEY_IDS.flatMap((id) => VERSIONS.map((version) => bytesOf(id, version)));
    const seeds: Uint8Array[] = [];
    for (const provider of providers) {
      for (const keyId of KEY_IDS) {
        for (const length of [1, 32, LIMITS.plaintext]) {
          const plaintext = new Uint8Array(length).fill(0x61);
          seeds.push((await provider.encrypt({ keyId, plaintext, encryptionContext })).ciphertext);
        }
      }
    }
    const genuine = new Set(seeds.map((seed) => Buffer.from(seed).toString('latin1')));

    async function open(ciphertext: Uint8Array, keyId: string | undefined) {
      const codes: KeyWrapErrorCode[] = [...CODES, keyId ? 'INCORRECT_KEY' : 'ACCESS_DENIED'];
      const opened = providers.map((provider) =>
        attempt(
          async () => {
            const key = keyId === undefined ? {} : { keyId };
            using result = await provider.decrypt({ ciphertext, encryptionContext, ...key });
            return result.plaintext.slice();
          },
          codes,
          secrets,
        ),
      );
      return Promise.all(opened);
    }

    return {
      seeds,
      async run(input) {
        const isGenuine = genuine.has(Buffer.from(input).toString('latin1'));
        const before = input.slice();
        const parts = await attempt(() => decodeBlob(input), ['INVALID_CIPHERTEXT']);
        if (parts !== undefined) {
          assert.deepEqual(encodeBlob(parts.header, parts.nonce, parts.sealed), input);
          assert.deepEqual(encodeBlobHeader(parts), parts.header);
        }
        const [node, forge] = await open(input, undefined);
        assert.deepEqual(node, forge);
        assert.equal(
          node !== undefined,
          isGenuine,
          'it opens what no key has made, or not what one has',
        );
        const named = await open(input, KEY_IDS[0]);
        const isOwn = isGenuine && parts?.keyId === KEY_IDS[0];
        for (const plaintext of named) assert.equal(plaintext !== undefined, isOwn);
        assert.deepEqual(input, before, 'it changed its input');
      },
      async close() {
        for (const provider of providers) await provider.close();
      },
    };
  },
};

const VERSIONS = [1, 2] as const;

/** The same in every run, so that a finding can be given again. */
function bytesOf(id: string, version: number): Uint8Array {
  return Uint8Array.from(
    { length: 32 },
    (_, index) => (index * 37 + version * 11 + id.length) & 0xff,
  );
}

/** A key with the same two versions each time. */
async function recordOf(id: string): Promise<KeyRecord> {
  const versions = await Promise.all(
    VERSIONS.map(async (version) => {
      const material = new KeyMaterial(bytesOf(id, version));
      return { ...(await newVersion(id, { material, publicKey: undefined })), version };
    }),
  );
  const key = newKey({
    scope: { partition: 'aws', region: 'us-east-1', account: '111122223333' },
    id,
    keySpec: 'SYMMETRIC_DEFAULT',
    keyUsage: 'ENCRYPT_DECRYPT',
    origin: 'AWS_KMS',
    description: '',
    creationDate: new Date(0),
    version: versions[0],
    tags: [],
    policy: undefined,
  });
  return { ...key, versions };
}

async function storeWithKeys(): Promise<MemoryKeyStore> {
  const store = new MemoryKeyStore();
  const records = await Promise.all(KEY_IDS.map(recordOf));
  await store.change({ keys: records.map(arnOf), aliases: [], ids: [] }, (transaction) => {
    for (const record of records) transaction.putKey(record);
  });
  return store;
}
