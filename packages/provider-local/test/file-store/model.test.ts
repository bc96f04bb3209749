import { rm } from 'node:fs/promises';
import type { FileKeyStore } from '@keywrap/provider-local/file-store';
import type { KeyRecord, MaterialVersion } from '@keywrap/provider-local/old-keys';
import { MemoryKeyStore } from '@keywrap/provider-local/old-keys';
import { expect } from 'chai';
import fc from 'fast-check';
import { newRecord, openStore, useFolder } from './support.js';

/** Two stores on one folder, as two processes would have them, and what they should hold. */
interface Real {
  readonly stores: FileKeyStore[];
}

type Change = fc.AsyncCommand<MemoryKeyStore, Real>;

const ids = fc.constantFrom('a', 'b', 'c', '0');
const aliases = fc.constantFrom('alias/x', 'alias/y');
const which = fc.constantFrom(0, 1);

function command(
  name: string,
  work: (store: Pick<FileKeyStore, keyof MemoryKeyStore>) => Promise<void>,
  model: (store: MemoryKeyStore) => void,
  index: number,
): Change {
  return {
    check: () => true,
    async run(memory, { stores }) {
      await work(stores[index] as FileKeyStore);
      model(memory);
      for (const store of stores) {
        expect(await store.listKeys()).to.deep.equal(memory.listKeys());
        expect(await store.listAliases()).to.deep.equal(memory.listAliases());
      }
    },
    toString: () => `${name} in store ${index}`,
  };
}

function change(
  index: number,
  id: string,
  name: string,
  transition: (key: KeyRecord | undefined) => KeyRecord | undefined,
): Change {
  return command(
    `${name} ${id}`,
    (store) => store.changeKey(id, (key) => copyOf(transition(key))),
    (memory) => memory.changeKey(id, (key) => copyOf(transition(key))),
    index,
  );
}

/** The memory store wipes what it drops, and the two must not share it. */
function copyOf(record: KeyRecord | undefined): KeyRecord | undefined {
  return (
    record && {
      ...record,
      materials: record.materials.map(copyOfMaterial),
      ...(record.pendingMaterial && { pendingMaterial: copyOfMaterial(record.pendingMaterial) }),
    }
  );
}

/** A field that is not set is not there. */
function without({ details, ...rest }: KeyRecord): KeyRecord {
  return details === undefined ? rest : { ...rest, details };
}

function copyOfMaterial({ material, ...rest }: MaterialVersion): MaterialVersion {
  return { ...rest, material: material.slice() };
}

const COMMANDS = [
  fc.tuple(which, ids).map(([index, id]) => {
    const record = newRecord(id);
    return change(index, id, 'create', (key) => key ?? record);
  }),
  fc.tuple(which, ids).map(([index, id]) => {
    const material = crypto.getRandomValues(new Uint8Array(32));
    return change(
      index,
      id,
      'rotate',
      (key) =>
        key && {
          ...key,
          materials: [...key.materials, { version: key.materials.length + 1, material }],
        },
    );
  }),
  fc
    .tuple(which, ids, fc.string())
    .map(([index, id, description]) =>
      change(index, id, 'describe', (key) => key && { ...key, description }),
    ),
  fc
    .tuple(which, ids, fc.option(fc.string({ unit: 'binary' }), { nil: undefined }))
    .map(([index, id, details]) =>
      change(index, id, 'detail', (key) => key && without({ ...key, details })),
    ),
  fc.tuple(which, ids).map(([index, id]) => {
    const material = crypto.getRandomValues(new Uint8Array(32));
    return change(
      index,
      id,
      'put material in waiting for',
      (key) => key && { ...key, pendingMaterial: { version: key.materials.length + 1, material } },
    );
  }),
  fc.tuple(which, ids).map(([index, id]) =>
    change(index, id, 'use the material in waiting for', (key) => {
      if (key?.pendingMaterial === undefined) return key;
      const { pendingMaterial, ...rest } = key;
      return { ...rest, materials: [...rest.materials, pendingMaterial] };
    }),
  ),
  fc.tuple(which, ids).map(([index, id]) => change(index, id, 'delete', () => undefined)),
  fc.tuple(which, aliases, fc.option(ids, { nil: undefined })).map(([index, alias, id]) =>
    command(
      `${alias} -> ${id}`,
      (store) => store.changeAlias(alias, () => id),
      (memory) => memory.changeAlias(alias, () => id),
      index,
    ),
  ),
] satisfies fc.Arbitrary<Change>[];

describe('a key store on disk, compared with one in memory', () => {
  const folder = useFolder();

  it('does the same, seen from two processes and after it was opened again', async () => {
    const reopen = which.map(
      (index): Change => ({
        check: () => true,
        async run(_memory, { stores }) {
          await stores[index]?.close();
          stores[index] = await openStore(folder.path);
        },
        toString: () => `reopen store ${index}`,
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.commands([...COMMANDS, reopen], { maxCommands: 30 }),
        async (commands) => {
          await rm(folder.path, { recursive: true, force: true });
          const stores = [await openStore(folder.path), await openStore(folder.path)];
          await fc.asyncModelRun(
            () => ({ model: new MemoryKeyStore(), real: { stores } }),
            commands,
          );
          for (const store of stores) await store.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});
