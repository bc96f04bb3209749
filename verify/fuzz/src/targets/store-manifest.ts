import { strict as assert } from 'node:assert';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { FileKeyStore } from '@keywrap/provider-local/file-store';
import { jsonMutation } from '../json-mutation.js';
import { attempt, type FuzzTarget, utf8 } from '../target.js';
import { equal, fileOf, inputsOf, isRaw, makeStore, STORE_WORDS } from './store-input.js';

const CODES = ['UNAVAILABLE', 'UNSUPPORTED', 'ACCESS_DENIED', 'INVALID_INPUT'] as const;

/** A store with this manifest is read whole or refused, and reading writes nothing. */
export const storeManifest: FuzzTarget = {
  name: 'store-manifest',
  words: STORE_WORDS,
  mutation: jsonMutation,
  async open(parent) {
    const folder = `${parent}/keys`;
    const { protectedBy, key, manifest } = await makeStore(folder);
    const secrets = [utf8(protectedBy.passphrase)];
    const names = await listing(folder);
    return {
      seeds: inputsOf(key.files, 'manifest', manifest.bytes),
      async run(input) {
        const bytes = fileOf(key.files, 'manifest', input);
        if (bytes === undefined) return;
        await writeFile(manifest.path, bytes);
        const open = () => FileKeyStore.open({ folder, protectedBy });
        const store = await attempt(open, CODES, secrets);
        assert.ok(
          store === undefined || !isRaw(input) || equal(bytes, manifest.bytes),
          'a changed manifest opens',
        );
        if (store !== undefined) {
          await attempt(() => store.listAliases(), CODES, secrets);
          const keys = await attempt(() => store.listKeys(), CODES, secrets);
          const report = await attempt(() => store.verify(), CODES, secrets);
          assert.ok(report !== undefined, 'verify reports, it does not refuse');
          assert.equal(keys !== undefined, report.damaged.length === 0);
          await store.close();
        }
        assert.deepEqual(await listing(folder), names, 'it wrote to the folder');
        assert.ok(equal(await readFile(manifest.path), bytes), 'it changed the manifest');
      },
    };
  },
};

async function listing(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}
