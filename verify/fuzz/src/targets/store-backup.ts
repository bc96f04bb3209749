import { strict as assert } from 'node:assert';
import { readdir, rm } from 'node:fs/promises';
import { FileKeyStore } from '@keywrap/provider-local/file-store';
import { jsonMutation } from '../json-mutation.js';
import { attempt, type FuzzTarget, utf8 } from '../target.js';
import { equal, fileOf, inputsOf, isRaw, makeStore, STORE_WORDS } from './store-input.js';

const CODES = ['UNAVAILABLE', 'UNSUPPORTED', 'ACCESS_DENIED', 'INVALID_INPUT'] as const;

/** A backup becomes a whole store, or is refused before anything is written. */
export const storeBackup: FuzzTarget = {
  name: 'store-backup',
  words: STORE_WORDS,
  mutation: jsonMutation,
  async open(parent) {
    const { protectedBy, key, backup: genuine } = await makeStore(`${parent}/keys`);
    const folder = `${parent}/restored`;
    const secrets = [utf8(protectedBy.passphrase)];
    return {
      seeds: inputsOf(key.files, 'backup', genuine),
      async run(input) {
        const backup = fileOf(key.files, 'backup', input);
        if (backup === undefined) return;
        const restore = () => FileKeyStore.restore({ folder, backup, protectedBy });
        const store = await attempt(restore, CODES, secrets);
        const names = await readdir(parent);
        if (store === undefined) {
          assert.deepEqual(names, ['keys'], 'a backup that was refused was written');
          return;
        }
        assert.ok(!isRaw(input) || equal(backup, genuine), 'a changed backup opens');
        const { damaged, strays } = await store.verify();
        assert.deepEqual([damaged, strays], [[], []]);
        await store.close();
        assert.deepEqual(names.sort(), ['keys', 'restored']);
        await rm(folder, { recursive: true });
      },
    };
  },
};
