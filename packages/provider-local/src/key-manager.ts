import type {
  AliasDescription,
  KeyDescription,
  KeyName,
  KeyRequest,
  OwnedBytes,
} from '@keywrap/core';
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
  const change = async (name: KeyName, next: (key: KeyRecord, now: Date) => KeyRecord) => {
    const local = await open();
    const now = local.keys.now();
    const key = await local.find(name);
    return describe(await local.keys.change(key, (current) => next(current, now)));
  };
  return {
    /** Opens the keys now rather than at the first call. */
    async open(_: object): Promise<void> {
      await open();
    },
    async createKey(request: CreateKeyRequest): Promise<KeyDescription> {
      return describe(await (await open()).create(request));
    },
    async importKeyMaterial(request: ImportRequest): Promise<KeyDescription> {
      return describe(await (await open()).importMaterial(request));
    },
    async exportKeyMaterial({
      key,
      format,
      passphrase,
    }: ExportRequest): Promise<{ readonly material: string | OwnedBytes }> {
      const found = await (await open()).find(key);
      return { material: await writeMaterial(found, { format, passphrase }) };
    },
    enableKey: ({ key }: KeyRequest) => change(key, enabled),
    disableKey: ({ key }: KeyRequest) => change(key, disabled),
    async rotateKey({ key }: KeyRequest): Promise<KeyDescription> {
      return describe(await (await open()).rotate(key));
    },
    scheduleKeyDeletion: ({ key, pendingWindowInDays }: DeletionRequest) =>
      change(key, (current, now) => pendingDeletion(current, now, pendingWindowInDays)),
    cancelKeyDeletion: ({ key }: KeyRequest) => change(key, deletionCancelled),
    async createAlias({ alias, key }: AliasRequest): Promise<AliasDescription> {
      const local = await open();
      return describeAlias(await createAlias(local.keys, alias, await local.find(key)));
    },
    async updateAlias({ alias, key }: AliasRequest): Promise<AliasDescription> {
      const local = await open();
      return describeAlias(await updateAlias(local.keys, alias, await local.find(key)));
    },
    async deleteAlias({ alias }: { readonly alias: string }): Promise<void> {
      await deleteAlias((await open()).keys, alias);
    },
    async listKeys(_: object): Promise<readonly KeyDescription[]> {
      return (await open()).list();
    },
    async listAliases(_: object): Promise<readonly AliasDescription[]> {
      return (await open()).listAliases();
    },
  };
}
