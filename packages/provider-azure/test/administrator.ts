import type { KeyClient, KeyOperation } from '@azure/keyvault-keys';

/** Makes and changes the keys of a vault, a real one too. */
export interface Administrator {
  /** Makes a key, or a new version of it. */
  create(name: string, kty: string, keyOps?: readonly string[], bits?: number): Promise<void>;
  /** Enables or disables all versions of a key, or changes them. */
  update(name: string, change: KeyChange): Promise<void>;
  /** Soft-deletes a key. */
  remove(name: string): Promise<void>;
  /** Brings a deleted key back. */
  recover(name: string): Promise<void>;
  /** Deletes a deleted key for good. */
  purge(name: string): Promise<void>;
}

/** What to change of a key. */
export interface KeyChange {
  readonly enabled?: boolean;
  readonly expiresOn?: Date;
  readonly keyOps?: readonly string[];
}

/** Administers a vault by the official client. */
export function administratorOf(client: KeyClient, intervalInMs: number): Administrator {
  return {
    async create(name, kty, keyOps = ['encrypt', 'decrypt'], bits) {
      await client.createKey(name, kty, {
        keyOps: keyOps as KeyOperation[],
        ...(kty.startsWith('RSA') && { keySize: bits ?? 2048 }),
        ...(kty.startsWith('oct') && { keySize: 256 }),
        ...(kty.startsWith('EC') && { curve: 'P-256' }),
      });
    },
    async update(name, { keyOps, ...change }) {
      const versions: string[] = [];
      for await (const { version } of client.listPropertiesOfKeyVersions(name)) {
        if (version !== undefined) versions.push(version);
      }
      for (const version of versions) {
        await client.updateKeyProperties(name, version, {
          ...change,
          ...(keyOps !== undefined && { keyOps: keyOps as KeyOperation[] }),
        });
      }
    },
    async remove(name) {
      await (await client.beginDeleteKey(name, { intervalInMs })).pollUntilDone();
    },
    async recover(name) {
      await (await client.beginRecoverDeletedKey(name, { intervalInMs })).pollUntilDone();
    },
    async purge(name) {
      await client.purgeDeletedKey(name);
    },
  };
}
