import { type KeyWrapProvider, openKeyWrapProvider } from '@keywrap/core';
import { kmsScheme } from '@keywrap/provider-kms';
import { LocalKeyWrapProvider, localScheme } from '@keywrap/provider-local';

/** The names of the demo's keys. In AWS KMS they must exist: see the README in this folder. */
export const KEYS = {
  first: 'alias/keywrap-demo',
  second: 'alias/keywrap-demo-new',
  inbox: 'alias/keywrap-demo-inbox',
  disabled: 'alias/keywrap-demo-disabled',
} as const;

/** The provider that KEYWRAP_URL names; without it, local keys made for this run. */
export async function openDemoProvider(): Promise<KeyWrapProvider> {
  const url = process.env.KEYWRAP_URL;
  if (url !== undefined) return openKeyWrapProvider(url, [localScheme, kmsScheme]);
  const local = new LocalKeyWrapProvider({
    keys: [KEYS.first, KEYS.second, { keyId: KEYS.inbox, keySpec: 'RSA_2048' }, KEYS.disabled],
  });
  await local.disableKey({ keyId: KEYS.disabled });
  return local;
}
