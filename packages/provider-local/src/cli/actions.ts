import fs from 'node:fs/promises';
import path from 'node:path';
import { InvalidInputError, KeyNotFoundError } from '@keywrap/core';
import { errorCode, explainFileError } from '../file-store/errors.js';
import { FileKeyStore } from '../file-store/file-key-store.js';
import { syncFolder, writeNewFile } from '../file-store/private-files.js';
import { deletionCancelled } from '../old/old-transitions.js';
import type { ActionArguments, ActionName } from './arguments.js';
import { askNewPassphrase, askPassphrase } from './ask-passphrase.js';
import { formatTable, showProgress } from './output.js';

type Action = (args: ActionArguments) => Promise<boolean>;

/** Each says what it did, and gives `false` when what it looked at is damaged. */
export const ACTIONS: Readonly<Record<ActionName, Action>> = {
  async create({ folder, passphrase: source }) {
    const exists = await FileKeyStore.isAt(folder);
    if (exists) throw new InvalidInputError('folder', `${folder} holds a key store already`);
    const passphrase = await askNewPassphrase('new passphrase', source);
    const store = await FileKeyStore.open({ folder, protectedBy: { passphrase }, create: true });
    await store.close();
    print(`made an empty key store in ${folder}`);
    return true;
  },

  async list(args) {
    await using store = await open(args);
    const aliases = await store.listAliases();
    const keys = (await store.listKeys()).map(({ materials, pendingMaterial, ...key }) => ({
      ...key,
      materials: materials.length,
      ...(pendingMaterial && { pendingMaterial: pendingMaterial.version }),
      aliases: aliases.filter(([, id]) => id === key.id).map(([alias]) => alias),
    }));
    if (args.json) return printJson(keys);
    print(
      formatTable(
        ['KEY ID', 'SPEC', 'STATE', 'CREATED', 'DELETION', 'MATERIALS', 'ALIASES'],
        keys.map((key) => [
          key.id,
          key.keySpec,
          key.keyState,
          day(key.creationDate),
          day(key.deletionDate),
          String(key.materials),
          key.aliases.join(' '),
        ]),
      ),
    );
    return true;
  },

  async verify(args) {
    await using store = await open(args);
    const report = await store.verify(showProgress('keys'));
    const logs = await store.verifyAuditLogs();
    const isOld = report.generation < args.generation;
    const damagedLogs = logs.filter(({ problem }) => problem !== undefined);
    const isSound = report.damaged.length === 0 && damagedLogs.length === 0 && !isOld;
    if (args.json) {
      const damaged = report.damaged.map(({ file, keyId, message }) => ({ file, keyId, message }));
      printJson({ ...report, damaged, logs, sound: isSound });
      return isSound;
    }
    for (const { message } of report.damaged) print(`damaged: ${message}`);
    for (const { log, problem } of damagedLogs) print(`damaged: audit log ${log} ${problem}`);
    for (const { log } of logs.filter(({ closed, problem }) => !closed && !problem)) {
      print(`open: audit log ${log} is being written, its process was killed, or its end was cut`);
    }
    for (const stray of report.strays) print(`stray: ${stray} is not in use`);
    if (isOld) print(`older than generation ${args.generation}: an old copy was put back`);
    const lines = logs.reduce((sum, log) => sum + log.lines, 0);
    print(
      `generation ${report.generation}: ${report.keys} keys, ${report.damaged.length} damaged; ${logs.length} audit logs of ${lines} lines, ${damagedLogs.length} damaged`,
    );
    return isSound;
  },

  async backup(args) {
    await using store = await open(args);
    const backup = await store.backup(showProgress('keys'));
    try {
      await writeNewFile(args.file, backup);
      await syncFolder(path.dirname(path.resolve(args.file)));
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw explainFileError(error, `write ${args.file}`);
      throw new InvalidInputError('FILE', `${args.file} exists already; choose another name`);
    }
    print(`wrote ${args.file}, ${backup.length} bytes; it opens with the passphrase of now`);
    return true;
  },

  async restore({ folder, file, passphrase: source }) {
    const backup = await fs.readFile(file).catch((error) => {
      throw explainFileError(error, `read ${file}`);
    });
    const passphrase = await askPassphrase('passphrase', source);
    const protectedBy = { passphrase };
    const onProgress = showProgress('keys');
    await using store = await FileKeyStore.restore({ folder, backup, protectedBy, onProgress });
    const { keys, generation } = await store.verify();
    print(`restored ${keys} keys of generation ${generation} to ${folder}`);
    return true;
  },

  async 'rotate-passphrase'(args) {
    await using store = await open(args);
    const passphrase = await askNewPassphrase('new passphrase', args.newPassphrase);
    await store.protect({ passphrase });
    print('the store has a new passphrase; backups from before open with the one that they had');
    return true;
  },

  async 'cancel-deletion'(args) {
    await using store = await open(args);
    await store.changeKey(args.keyId, (key) => {
      if (key !== undefined) return deletionCancelled(key);
      throw new KeyNotFoundError(`there is no key with the id ${args.keyId}; list shows them`);
    });
    print(`key ${args.keyId} stays; it is disabled until it is enabled`);
    return true;
  },
};

async function open({ folder, passphrase: source }: ActionArguments): Promise<FileKeyStore> {
  // Before a passphrase is asked for.
  const exists = await FileKeyStore.isAt(folder);
  if (!exists)
    throw new InvalidInputError('folder', `${folder} is not a key store; check the path`);
  const passphrase = await askPassphrase('passphrase', source);
  return FileKeyStore.open({ folder, protectedBy: { passphrase } });
}

function day(date: Date | undefined): string {
  return date?.toISOString().slice(0, 10) ?? '';
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function printJson(value: unknown): true {
  print(JSON.stringify(value, undefined, 2));
  return true;
}
