import { randomUUID } from 'node:crypto';
import { parseKeyId, UnsupportedOperationError } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { AzureKeyWrapProvider } from '@keywrap/provider-azure';
import type { ConformanceHarness } from '@keywrap/testkit';
import { CLIENT_OPTIONS, CREDENTIAL, startKeyVault } from './key-vault.js';

/** Runs the suite against a vault, or a managed HSM, of its own. */
export function azureHarness(name: string, managedHsm: boolean): ConformanceHarness {
  return {
    name,
    async open() {
      const sizes = new Map<string, number>();
      const vault = await startKeyVault(sizes);
      const aliases = new Map<string, string>();
      const kinds = new Map<string, string>();
      const provider = () =>
        new AzureKeyWrapProvider({
          vaultUrl: vault.url,
          credential: CREDENTIAL,
          managedHsm,
          aliases: (alias) => aliases.get(alias),
          clientOptions: CLIENT_OPTIONS,
        });
      const arnOf = (key: string) =>
        `arn:azure:kms:127:${managedHsm ? 'managedhsm' : 'vault'}:key/${key}`;
      const setAlias = async (alias: string, keyArn: string) => {
        aliases.set(alias, nameIn(keyArn));
      };
      const make = async (kty: string, keyOps?: string[], bits?: number) => {
        const key = randomUUID();
        if (bits !== undefined) sizes.set(key, bits);
        kinds.set(key, kty);
        await vault.create(key, kty, keyOps);
        // A disabled key can't be read: the provider knows what it has seen before.
        await shared.describeKey({ keyId: key });
        return { keyId: arnOf(key) };
      };
      const shared = provider();
      return {
        provider: shared,
        reopen: async () => provider(),
        keys: {
          async create({ keySpec, keyUsage, origin }) {
            const encrypts = keyUsage === 'ENCRYPT_DECRYPT';
            if (origin === undefined && keySpec.startsWith('RSA_')) {
              const ops = encrypts ? undefined : ['sign', 'verify'];
              return make('RSA', ops, Number(keySpec.slice(4)));
            }
            if (origin === undefined && keySpec === 'ECC_NIST_P256') return make('EC', ['sign']);
            if (origin === undefined && keySpec === 'SYMMETRIC_DEFAULT' && managedHsm) {
              return make('oct-HSM');
            }
            throw new UnsupportedOperationError(`no ${keySpec} keys here`);
          },
          createForeign: () => make('EC', ['sign', 'verify']),
          alias: setAlias,
          moveAlias: setAlias,
          async disable(keyArn) {
            vault.update(nameIn(keyArn), { enabled: false });
          },
          async enable(keyArn) {
            vault.update(nameIn(keyArn), { enabled: true });
          },
          async restrictToDecrypt(keyArn) {
            vault.update(nameIn(keyArn), { keyOps: ['decrypt'] });
          },
          async destroy(keyArn) {
            vault.remove(nameIn(keyArn));
          },
          async rotate(keyArn) {
            const key = nameIn(keyArn);
            await vault.create(key, kinds.get(key) as string);
          },
          async deny(keyArn, right) {
            if (right === 'describe') vault.forbidReading(nameIn(keyArn));
            else vault.denied.add(`/keys/${nameIn(keyArn)}/`);
          },
        },
        cache: withDataKeyCache,
        async fail(kind) {
          const status = { throttled: 429, denied: 403, unavailable: 503 };
          vault.fault =
            kind === undefined
              ? undefined
              : (_request, response) =>
                  void response
                    .writeHead(status[kind], { 'Content-Type': 'application/json' })
                    .end(JSON.stringify({ error: { code: kind, message: kind } }));
        },
        close: () => vault.close(),
      };
    },
  };
}

function nameIn(keyArn: string): string {
  return (parseKeyId(keyArn) as { readonly id: string }).id;
}
