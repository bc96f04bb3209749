import { randomUUID } from 'node:crypto';
import { KeyClient } from '@azure/keyvault-keys';
import { AzureKeyWrapProvider, type AzureKeyWrapProviderOptions } from '@keywrap/provider-azure';
import { administratorOf, type KeyChange } from './administrator.js';
import { CLIENT_OPTIONS, CREDENTIAL, type KeyVault, startKeyVault } from './key-vault.js';

/** A key vault has RSA keys alone; a managed HSM has AES keys too. */
export type VaultKind = 'key vault' | 'managed HSM';

const {
  KEYWRAP_TEST_AZURE_URL: ADDRESS,
  KEYWRAP_TEST_AZURE_TOKEN: TOKEN = '',
  // For a host whose name does not tell.
  KEYWRAP_TEST_AZURE_KIND: KIND = /\.managedhsm\./.test(ADDRESS ?? '')
    ? 'managed HSM'
    : 'key vault',
} = process.env;

/** True for a vault that the environment names. */
export const isReal = ADDRESS !== undefined;

/** Which kinds of vault there are to test: both, as doubles, or the one that the environment names. */
export const KINDS: readonly VaultKind[] = isReal
  ? [KIND as VaultKind]
  : ['managed HSM', 'key vault'];

interface AccessToken {
  readonly token: string;
  readonly expiresOnTimestamp: number;
}

/** A vault to test against: the one that the environment names, or the double. */
export interface TestVault {
  readonly kind: VaultKind;
  /** Undefined for a real vault, which can't be told to fail. */
  readonly double: KeyVault | undefined;
  readonly credential: { getToken(): Promise<AccessToken> };
  /** The official client, which manages keys. */
  readonly client: KeyClient;
  open(options?: Partial<AzureKeyWrapProviderOptions>): AzureKeyWrapProvider;
  /** Makes a key, and returns its name. A managed HSM keeps it in the HSM. */
  create(type: 'AES' | 'RSA' | 'EC', keyOps?: readonly string[], bits?: number): Promise<string>;
  /** Makes a new version of a key. */
  rotate(name: string): Promise<void>;
  /** Changes all versions of a key. */
  update(name: string, change: KeyChange): Promise<void>;
  remove(name: string): Promise<void>;
  recover(name: string): Promise<void>;
  close(): Promise<void>;
}

export async function startVault(kind: VaultKind): Promise<TestVault> {
  const double = isReal ? undefined : await startKeyVault();
  const vaultUrl = double?.url ?? `${ADDRESS}`;
  // Of `az account get-access-token --resource https://vault.azure.net`, or https://managedhsm.azure.net.
  const token = { token: TOKEN, expiresOnTimestamp: Date.now() + 3_600_000 };
  const credential = double ? CREDENTIAL : { getToken: async () => token };
  // What is on this machine can't have a name of Azure's.
  const isHere = new URL(vaultUrl).hostname === '127.0.0.1';
  const clientOptions = double ? CLIENT_OPTIONS : { disableChallengeResourceVerification: isHere };
  const client = new KeyClient(vaultUrl, credential, clientOptions);
  const { create, purge, ...administrator } = administratorOf(client, isHere ? 10 : 2000);
  const made = new Map<string, { readonly kty: string; readonly bits: number | undefined }>();
  return {
    ...administrator,
    kind,
    double,
    credential,
    client,
    open: (options) =>
      new AzureKeyWrapProvider({
        vaultUrl,
        credential,
        managedHsm: kind === 'managed HSM',
        clientOptions,
        ...options,
      }),
    async create(type, keyOps, bits) {
      // A real vault keeps the names of deleted keys: this one says whose it was.
      const name = `keywrap-test-${randomUUID()}`;
      const kty = `${type === 'AES' ? 'oct' : type}${kind === 'managed HSM' ? '-HSM' : ''}`;
      made.set(name, { kty, bits });
      await create(name, kty, keyOps, bits);
      return name;
    },
    async rotate(name) {
      const { kty = '', bits } = made.get(name) ?? {};
      await create(name, kty, undefined, bits);
    },
    async close() {
      if (double) return double.close();
      for (const name of made.keys()) {
        await administrator.remove(name).catch(ignoreMissing);
        // Where it is not allowed, the vault does it when the days of recovery are over.
        await purge(name).catch(() => {});
      }
    },
  };
}

/** A test may have deleted its key. */
function ignoreMissing(error: { readonly statusCode?: number }): void {
  if (error.statusCode !== 404) throw error;
}
