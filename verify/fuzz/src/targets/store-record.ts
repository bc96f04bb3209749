import { strict as assert } from 'node:assert';
import {
  decodeRecord,
  digestOf,
  encodeRecord,
} from '../../../../packages/provider-local/dist/file-store/record-file.js';
import { jsonMutation } from '../json-mutation.js';
import { attempt, type FuzzTarget } from '../target.js';
import { equal, fileOf, inputsOf, isRaw, makeStore, STORE_WORDS } from './store-input.js';

/** A record is read as it was written or refused as damaged, also when the key of the store has sealed it. */
export const storeRecord: FuzzTarget = {
  name: 'store-record',
  words: STORE_WORDS,
  mutation: jsonMutation,
  async open(folder) {
    const { key, storeId, records } = await makeStore(folder);
    const read = (bytes: Uint8Array, id: string) => {
      const entry = { file: 'record', generation: 1, digest: digestOf(bytes) };
      return decodeRecord(key.files, '/store/record', bytes, storeId, id, entry);
    };
    const isSameAgain = async (bytes: Uint8Array, id: string) => {
      const record = await attempt(() => read(bytes, id), ['UNAVAILABLE', 'UNSUPPORTED']);
      if (record === undefined) return false;
      const again = encodeRecord(key.files, { storeId, generation: 1 }, record);
      assert.deepEqual(read(again, id), record);
      return true;
    };
    const ids = records.map(({ bytes }) => idOf(bytes));
    return {
      seeds: records.flatMap(({ bytes }) => inputsOf(key.files, 'record', bytes)),
      async run(input) {
        const bytes = fileOf(key.files, 'record', input);
        if (bytes === undefined) return;
        const isGenuine = records.some((known) => equal(known.bytes, bytes));
        for (const id of ids) {
          const opens = await isSameAgain(bytes, id);
          assert.ok(!opens || isGenuine || !isRaw(input), 'a changed record opens');
        }
      },
    };
  },
};

/** The id in the header, which is readable. */
function idOf(bytes: Uint8Array): string {
  const end = 9 + new DataView(bytes.buffer).getUint32(5);
  return JSON.parse(Buffer.from(bytes.subarray(9, end)).toString()).id;
}
