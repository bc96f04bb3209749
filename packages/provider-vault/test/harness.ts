import { randomUUID } from 'node:crypto';
import { parseKeyId, UnsupportedOperationError } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { VaultKeyWrapProvider } from '@keywrap/provider-vault';
import type { ConformanceHarness } from '@keywrap/testkit';
import type { Vault } from './openbao.js';
import { startProxy } from './proxy.js';

const TYPES: Readonly<Record<string, string>> = {
  'SYMMETRIC_DEFAULT ENCRYPT_DECRYPT': 'aes256-gcm96',
  'RSA_2048 ENCRYPT_DECRYPT': 'rsa-2048',
  'RSA_3072 ENCRYPT_DECRYPT': 'rsa-3072',
  'RSA_4096 ENCRYPT_DECRYPT': 'rsa-4096',
  'ECC_NIST_P256 SIGN_VERIFY': 'ecdsa-p256',
  'ECC_NIST_P384 SIGN_VERIFY': 'ecdsa-p384',
  'ECC_NIST_P521 SIGN_VERIFY': 'ecdsa-p521',
};

/**
 * Opens providers for the suite: each with a transit engine, a policy, a token and a proxy of its own.
 *
 * @param settings More settings of its symmetric keys.
 */
export function vaultHarness(
  name: string,
  vault: Vault,
  settings: object = {},
): ConformanceHarness {
  const { request } = vault;
  return {
    name,
    async open() {
      const engine = await vault.mount();
      const post = (path: string, body = {}) => request('POST', `${engine}/keys/${path}`, body);
      const aliases = new Map<string, string>();
      const denied = new Set<string>();
      const allow = async (capabilities: string) => {
        const rules = [
          `path "${engine}/*" { capabilities = [${capabilities}] }`,
          ...[...denied].map((path) => `path "${engine}/${path}" { capabilities = ["deny"] }`),
        ];
        await request('POST', `sys/policies/acl/${engine}`, { policy: rules.join('\n') });
      };
      const everything = '"create", "read", "update"';
      await allow(everything);
      const { auth } = await request('POST', 'auth/token/create', { policies: [engine] });
      const token = String(auth.client_token);
      const proxy = await startProxy(vault.address);
      const provider = () =>
        new VaultKeyWrapProvider({
          address: proxy.address,
          mount: engine,
          token,
          aliases: (alias) => aliases.get(alias),
        });
      const setAlias = async (alias: string, keyArn: string) => {
        aliases.set(alias, nameIn(keyArn));
      };

      return {
        provider: provider(),
        reopen: async () => provider(),
        keys: {
          async create({ keySpec, keyUsage, origin }) {
            const type = TYPES[`${keySpec} ${keyUsage}`];
            if (type === undefined || origin !== undefined) {
              throw new UnsupportedOperationError(`transit has no ${keySpec} keys for ${keyUsage}`);
            }
            const key = randomUUID();
            await post(key, { type, ...(keySpec === 'SYMMETRIC_DEFAULT' && settings) });
            return { keyId: arnOf(engine, key) };
          },
          async createForeign() {
            const key = randomUUID();
            await post(key, { type: 'ed25519' });
            return { keyId: arnOf(engine, key) };
          },
          alias: setAlias,
          moveAlias: setAlias,
          scheduleDeletion: (keyArn) =>
            request('DELETE', `${engine}/keys/${nameIn(keyArn)}/soft-delete`),
          deleteSoftly: (keyArn) =>
            request('DELETE', `${engine}/keys/${nameIn(keyArn)}/soft-delete`),
          async destroy(keyArn) {
            await post(`${nameIn(keyArn)}/config`, { deletion_allowed: true });
            await request('DELETE', `${engine}/keys/${nameIn(keyArn)}`);
          },
          rotate: (keyArn) => post(`${nameIn(keyArn)}/rotate`),
          async removeOldVersions(keyArn) {
            const { data } = await request('GET', `${engine}/keys/${nameIn(keyArn)}`);
            const version = data.latest_version;
            await post(`${nameIn(keyArn)}/config`, {
              min_decryption_version: version,
              min_encryption_version: version,
            });
            await post(`${nameIn(keyArn)}/trim`, { min_available_version: version });
          },
          async deny(keyArn, right) {
            const key = nameIn(keyArn);
            const { data } = await request('GET', `${engine}/keys/${key}`);
            if (right === 'describe' && String(data.type).startsWith('rsa')) {
              throw new UnsupportedOperationError('a key is read with its public half');
            }
            const uses = ['encrypt', 'decrypt', 'rewrap', 'datakey/plaintext'];
            for (const path of right === 'use' ? uses : ['keys']) denied.add(`${path}/${key}`);
            await allow(everything);
          },
        },
        cache: withDataKeyCache,
        async fail(kind) {
          if (kind === 'failed')
            throw new UnsupportedOperationError('OpenBao can not be made to fail');
          proxy.isDown = kind === 'unavailable';
          await allow(kind === 'denied' ? '"deny"' : everything);
          const quota = `sys/quotas/rate-limit/${engine}`;
          if (kind !== 'throttled') return void (await request('DELETE', quota));
          await request('POST', quota, { path: `${engine}/`, rate: 0.001, interval: '1h' });
          // The quota lets the first requests pass.
          const isOver = () => request('GET', `${engine}/keys/none`).then(() => false, isQuota);
          while (!(await isOver()));
        },
        async close() {
          await proxy.close();
          await request('POST', 'auth/token/revoke', { token });
          await request('DELETE', `sys/mounts/${engine}`);
          await request('DELETE', `sys/policies/acl/${engine}`);
          await request('DELETE', `sys/quotas/rate-limit/${engine}`);
        },
      };
    },
  };
}

function arnOf(engine: string, key: string): string {
  return `arn:vault:kms:root:${engine}:key/${key}`;
}

function nameIn(keyArn: string): string {
  return (parseKeyId(keyArn) as { readonly id: string }).id;
}

function isQuota(error: unknown): boolean {
  return /rate limit quota exceeded/.test(String(error));
}
