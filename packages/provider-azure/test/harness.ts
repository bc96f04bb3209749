import { randomUUID } from 'node:crypto';
import { parseKeyId, UnsupportedOperationError } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { AzureKeyWrapProvider, type AzureKeyWrapProviderOptions } from '@keywrap/provider-azure';
import type { ConformanceHarness, Outage } from '@keywrap/testkit';
import { type Administrator, administratorOf } from './administrator.js';
import { CLIENT_OPTIONS, CREDENTIAL, type KeyVault, startKeyVault } from './key-vault.js';

/** A vault for the suite: the double, or the real one that `KEYWRAP_TEST_AZURE_URL` names. */
interface Subject extends Administrator {
  readonly options: AzureKeyWrapProviderOptions;
  /** The double, which can fail and deny. */
  readonly double: KeyVault | undefined;
  close(): Promise<void>;
}

const { KEYWRAP_TEST_AZURE_URL: URL_OF_VAULT, KEYWRAP_TEST_AZURE_TOKEN: TOKEN = '' } = process.env;

/** Which kinds of vault there are to test: both, as doubles, or the one that the environment names. */
export const KINDS: readonly ('key vault' | 'managed HSM')[] =
  URL_OF_VAULT === undefined
    ? ['managed HSM', 'key vault']
    : [/\.managedhsm\./.test(URL_OF_VAULT) ? 'managed HSM' : 'key vault'];

async function startSubject(managedHsm: boolean): Promise<Subject> {
  if (URL_OF_VAULT === undefined) {
    const double = await startKeyVault();
    const options = { credential: CREDENTIAL, managedHsm, clientOptions: CLIENT_OPTIONS };
    const close = () => double.close();
    return { ...double, options: { ...options, vaultUrl: double.url }, double, close };
  }
  // Of `az account get-access-token --resource https://vault.azure.net`.
  const token = { token: TOKEN, expiresOnTimestamp: Date.now() + 3_600_000 };
  const credential = { getToken: async () => token };
  const administrator = administratorOf(URL_OF_VAULT, credential, {});
  const made = new Set<string>();
  return {
    ...administrator,
    async create(name, ...more) {
      await administrator.create(name, ...more);
      made.add(name);
    },
    options: { vaultUrl: URL_OF_VAULT, credential },
    double: undefined,
    async close() {
      for (const name of made) await administrator.remove(name).catch(() => {});
    },
  };
}

/** Runs the suite against a vault, or a managed HSM. */
export function azureHarness(name: string, managedHsm: boolean): ConformanceHarness {
  return {
    name,
    async open() {
      const vault = await startSubject(managedHsm);
      const { double, options } = vault;
      const aliases = new Map<string, string>();
      const kinds = new Map<string, string>();
      const provider = () =>
        new AzureKeyWrapProvider({ ...options, aliases: (alias) => aliases.get(alias) });
      const setAlias = async (alias: string, keyArn: string) => {
        aliases.set(alias, nameIn(keyArn));
      };
      const shared = provider();
      const make = async (kty: string, keyOps?: string[], bits?: number) => {
        const key = randomUUID();
        kinds.set(key, kty);
        await vault.create(key, kty, keyOps, bits);
        // A disabled key can't be read: the provider knows what it has seen before.
        const { keyId } = await shared.describeKey({ keyId: key });
        return { keyId };
      };
      return {
        provider: shared,
        reopen: async () => provider(),
        keys: {
          async create({ keySpec, keyUsage, origin }) {
            const encrypts = keyUsage === 'ENCRYPT_DECRYPT';
            if (origin === undefined && keySpec.startsWith('RSA_')) {
              const ops = encrypts ? undefined : ['sign', 'verify'];
              return make(managedHsm ? 'RSA-HSM' : 'RSA', ops, Number(keySpec.slice(4)));
            }
            if (origin === undefined && keySpec === 'ECC_NIST_P256' && !encrypts) {
              return make(managedHsm ? 'EC-HSM' : 'EC', ['sign']);
            }
            if (origin === undefined && keySpec === 'SYMMETRIC_DEFAULT' && managedHsm) {
              return make('oct-HSM');
            }
            throw new UnsupportedOperationError(`no ${keySpec} keys here`);
          },
          createForeign: () => make(managedHsm ? 'EC-HSM' : 'EC', ['sign', 'verify']),
          alias: setAlias,
          moveAlias: setAlias,
          disable: (keyArn) => vault.update(nameIn(keyArn), { enabled: false }),
          enable: (keyArn) => vault.update(nameIn(keyArn), { enabled: true }),
          restrictToDecrypt: (keyArn) => vault.update(nameIn(keyArn), { keyOps: ['decrypt'] }),
          destroy: (keyArn) => vault.remove(nameIn(keyArn)),
          async rotate(keyArn) {
            const key = nameIn(keyArn);
            await vault.create(key, kinds.get(key) as string);
          },
          ...(double && {
            async deny(keyArn: string, right: 'use' | 'describe') {
              if (right === 'describe') double.forbidReading(nameIn(keyArn));
              else double.denied.add(`/keys/${nameIn(keyArn)}/`);
            },
          }),
        },
        cache: withDataKeyCache,
        ...(double && {
          fail(kind: Outage | undefined) {
            const status = { throttled: 429, denied: 403, failed: 500 };
            double.fault =
              kind === undefined
                ? undefined
                : (request, response) => {
                    if (kind === 'unavailable') return void request.socket.destroy();
                    return void response
                      .writeHead(status[kind], { 'Content-Type': 'application/json' })
                      .end(JSON.stringify({ error: { code: kind, message: kind } }));
                  };
          },
        }),
        close: () => vault.close(),
      };
    },
  };
}

function nameIn(keyArn: string): string {
  return (parseKeyId(keyArn) as { readonly id: string }).id;
}
