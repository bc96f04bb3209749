import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { protect } from '../../../../packages/provider-local/dist/store/protection/protection.js';
import { parseProtectionRecord } from '../../../../packages/provider-local/dist/store/protection/record.js';
import { StoreKey } from '../../../../packages/provider-local/dist/store/protection/store-key.js';
import { jsonMutation } from '../json-mutation.js';
import { attempt, type FuzzTarget, textOf, utf8 } from '../target.js';

/** The most that a derivation may take: 512 MiB, and four times the work of the default. */
const MAXIMUM_WORK = 2 ** 22;

/** The protection in a store's row is either rejected, or one that a store writes. */
export const storeProtection: FuzzTarget = {
  name: 'store-protection',
  words: (
    '"by":"provider" "passphrase" "scrypt": "cost": 16384 4194304 "blockSize": "parallelization": "salt": ' +
    '"commitment": "wrapped": "keyId": = == AAAA "__proto__":{}, null -1 1e999'
  ).split(' '),
  mutation: jsonMutation,
  async open() {
    const storeId = randomUUID();
    await using provider = new LocalKeyWrapProvider({ keys: ['alias/store'] });
    const scrypt = { cost: 2 ** 14, blockSize: 8, parallelization: 1 };
    const storeKey = StoreKey.generate(storeId);
    const records = [
      await protect(storeId, storeKey, { passphrase: 'correct horse' }, scrypt),
      await protect(storeId, storeKey, { provider, keyId: 'alias/store' }),
    ];
    storeKey.destroy();
    return {
      seeds: records.map((record) => utf8(JSON.stringify(record))),
      async run(input) {
        const value = parse(textOf(input));
        const record = await attempt(() => parseProtectionRecord(value), []);
        if (record === undefined) return;
        assert.deepEqual(record, value, 'it reads what is not there, or leaves something out');
        if (record.by === 'provider') return;
        const { cost, blockSize, parallelization } = record.scrypt;
        const work = cost * blockSize * parallelization;
        assert.ok(work >= 2 ** 17 && work <= MAXIMUM_WORK, `a guess costs ${work}`);
      },
    };
  },
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
