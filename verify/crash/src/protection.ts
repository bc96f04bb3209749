import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import type { StoreProtection } from '@keywrap/provider-local/store';

/** A key of a provider protects the stores here: it takes no time, which a passphrase has to. */
export function protection(): StoreProtection {
  const keyMaterial = new Uint8Array(32).fill(7);
  const provider = new LocalKeyWrapProvider({ keys: [{ keyId: 'crash', keyMaterial }] });
  return { provider, keyId: 'crash' };
}
