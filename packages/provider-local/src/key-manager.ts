import type { AliasDescription, KeyName, KeyRequest, OwnedBytes } from '@keywrap/core';
import { createAlias, deleteAlias, updateAlias } from './keys/aliases.js';
import type { KeyRecord } from './keys/record.js';
import { deletionCancelled, disabled, enabled, pendingDeletion } from './keys/transitions.js';
import { describe, describeAlias, type LocalKeys } from './local-keys.js';
import type {
  AliasRequest,
  CreateKeyRequest,
  DeletionRequest,
  ExportRequest,
  ImportRequest,
} from './parse-input.js';
import { writeMaterial } from './write-material.js';

/** The functions of the local driver that manage keys; they take parsed requests. */
export type LocalKeyManager = ReturnType<typeof localKeyManager>;

/** Makes the functions that manage keys. @param open Opens the keys at the first call. */
export function localKeyManager(open: () => Promise<LocalKeys>) {
  const change = async (
    name: KeyName,
    next: (key: KeyRecord, now: Date, hasReplicas: boolean) => KeyRecord,
  ) => {
    const local = await open();
    const now = local.keys.now();
    const key = await local.find(name);
    return describe(
      await local.keys.change(key, (current, hasReplicas) => next(current, now, hasReplicas)),
    );
  };
  const point =
    (work: typeof createAlias) =>
    async ({ alias, key }: AliasRequest): Promise<AliasDescription> => {
      const local = await open();
      return describeAlias(await work(local.keys, alias, await local.find(key)));
    };
  return {
    /** Opens the keys now rather than at the first call. */
    open: async (_: object): Promise<void> => void (await open()),
    createKey: async (request: CreateKeyRequest) => describe(await (await open()).create(request)),
    importKeyMaterial: async (request: ImportRequest) =>
      describe(await (await open()).importMaterial(request)),
    exportKeyMaterial: async ({
      key,
      ...how
    }: ExportRequest): Promise<{ material: string | OwnedBytes }> => ({
      material: await writeMaterial(await (await open()).find(key), how),
    }),
    enableKey: ({ key }: KeyRequest) => change(key, enabled),
    disableKey: ({ key }: KeyRequest) => change(key, disabled),
    rotateKey: async ({ key }: KeyRequest) => describe(await (await open()).rotate(key)),
    scheduleKeyDeletion: ({ key, pendingWindowInDays }: DeletionRequest) =>
      change(key, (current, now, hasReplicas) =>
        pendingDeletion(current, now, pendingWindowInDays, hasReplicas),
      ),
    cancelKeyDeletion: ({ key }: KeyRequest) => change(key, deletionCancelled),
    createAlias: point(createAlias),
    updateAlias: point(updateAlias),
    deleteAlias: async ({ alias }: { readonly alias: string }) =>
      deleteAlias((await open()).keys, alias),
    listKeys: async (_: object) => (await open()).list(),
    listAliases: async (_: object) => (await open()).listAliases(),
  };
}
