import { access, stat } from 'node:fs/promises';
import { InvalidInputError, KeyNotFoundError, parseKeyId } from '@keywrap/core';
import { Keys } from '../keys/keys.js';
import { arnOf, type KeyRecord } from '../keys/record.js';
import { deletionCancelled } from '../keys/transitions.js';
import { parseOptions } from '../options.js';
import { nameOf } from '../store/create-store.js';
import { isFirstFormat } from '../store/dialects/sqlite-file.js';
import { importFolder } from '../store/import-folder.js';
import { SqlKeyStore } from '../store/sql-key-store.js';
import type { ActionArguments, ActionName } from './arguments.js';
import { askNewPassphrase, askPassphrase } from './ask-passphrase.js';
import { list } from './list.js';
import { countOf, print, showProgress } from './output.js';
import { verify } from './verify.js';

type Action = (args: ActionArguments) => Promise<boolean>;

/** Each action prints what it did, and returns false if the store or folder is damaged. */
export const ACTIONS: Readonly<Record<ActionName, Action>> = {
  async create({ store: location, passphrase: source, trustedGroup }) {
    await assertNoStore(location, trustedGroup);
    const passphrase = await askNewPassphrase('new passphrase', source);
    const protectedBy = { passphrase };
    await using store = await SqlKeyStore.create({ location, protectedBy, trustedGroup });
    print(`created an empty key store: ${store.location}`);
    return true;
  },

  async list(args) {
    await using store = await open(args);
    await list(store, args);
    return true;
  },

  async verify(args) {
    await using store = await open(args);
    return await verify(store, args);
  },

  async backup(args) {
    await assertNoFile(args.file);
    await using store = await open(args);
    await store.backup(args.file, showProgress('checking rows of the backup'));
    const { size } = await stat(args.file);
    print(`wrote ${args.file}, ${size} bytes; it has the current passphrase of the store`);
    return true;
  },

  async restore({ store: location, file, passphrase: source, trustedGroup }) {
    await assertNoStore(location, trustedGroup);
    const protectedBy = { passphrase: await askPassphrase('passphrase', source) };
    const options = { location, protectedBy, trustedGroup };
    const onProgress = showProgress('checking restored rows');
    await using store = await SqlKeyStore.restore(options, file, onProgress);
    print(`restored ${await summaryOf(store)} to ${store.location}`);
    return true;
  },

  async import({ folder, store: named, passphrase: source, trustedGroup, scope: given }) {
    const location = named === '' ? `${folder.replace(/\/+$/, '')}.db` : named;
    const { scope } = parseOptions(given);
    if (!isFirstFormat(folder)) {
      throw new InvalidInputError(
        'FOLDER',
        `${folder} holds no key store of files; check the path`,
      );
    }
    await assertNoStore(location, trustedGroup);
    const protectedBy = { passphrase: await askPassphrase('passphrase of the folder', source) };
    const onProgress = showProgress('importing keys');
    const options = { folder, location, protectedBy, trustedGroup, scope, onProgress };
    await using store = await importFolder(options);
    print(`imported ${await summaryOf(store)} to ${store.location}, which has the same passphrase`);
    print(`${folder} is unchanged: remove it when nothing uses it any longer`);
    return true;
  },

  async 'rotate-passphrase'(args) {
    await assertStore(args);
    const current = await askPassphrase('passphrase', args.passphrase);
    const passphrase = await askNewPassphrase('new passphrase', args.newPassphrase);
    await using store = await unlock(args, current);
    await store.protect({ passphrase });
    print('the store has a new passphrase; earlier backups keep theirs');
    return true;
  },

  async 'cancel-deletion'(args) {
    await using store = await open(args);
    const key = await findKey(store, args.key);
    const keys = new Keys(store, key.scope, () => new Date());
    const { id, keyState } = await keys.change(key, deletionCancelled);
    print(`the deletion of key ${id} is cancelled; its state is ${keyState}`);
    return true;
  },
};

async function open(args: ActionArguments): Promise<SqlKeyStore> {
  await assertStore(args);
  return unlock(args, await askPassphrase('passphrase', args.passphrase));
}

function unlock(
  { store: location, trustedGroup }: ActionArguments,
  passphrase: string | Uint8Array,
): Promise<SqlKeyStore> {
  return SqlKeyStore.open({ location, protectedBy: { passphrase }, trustedGroup });
}

/** Called before asking for a passphrase. */
async function assertStore({ store: location, trustedGroup }: ActionArguments): Promise<void> {
  if (!(await SqlKeyStore.isAt(location, { trustedGroup }))) {
    throw new InvalidInputError(
      'STORE',
      `${nameOf(location)} is not a key store: it does not exist, or is empty; check the path, or run create`,
    );
  }
}

/** Called before the store is opened, which is slow; the backup itself never replaces a file. */
async function assertNoFile(file: string): Promise<void> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) throw new InvalidInputError('FILE', `${file} exists already; name a new file`);
}

/** Called before asking for a passphrase. */
async function assertNoStore(location: string, trustedGroup: number | undefined): Promise<void> {
  if (await SqlKeyStore.isAt(location, { trustedGroup })) {
    throw new InvalidInputError(
      'STORE',
      `${nameOf(location)} holds a key store already, or other data; choose another location`,
    );
  }
}

async function summaryOf(store: SqlKeyStore): Promise<string> {
  const { keys, aliases } = await store.verify(showProgress('verifying rows'));
  return `${countOf(keys, 'key')} and ${countOf(aliases, 'alias', 'aliases')}`;
}

async function findKey(store: SqlKeyStore, text: string): Promise<KeyRecord> {
  const name = parseKeyId(text, 'KEY');
  if (!('id' in name)) throw new InvalidInputError('KEY', 'must be the id or ARN of a key');
  const found = (await store.keysWithId(name.id)).filter(
    (key) => !('region' in name) || arnOf(key) === text,
  );
  const [key] = found;
  if (key === undefined)
    throw new KeyNotFoundError(`there is no key ${text}; run list to see the keys`);
  if (found.length === 1) return key;
  throw new InvalidInputError('KEY', `${text} is in ${found.length} Regions; pass the ARN of one`);
}
