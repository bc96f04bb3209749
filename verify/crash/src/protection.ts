import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import type { StoreProtection } from '@keywrap/provider-local/store';

/** Protects the stores by a provider, which is fast; a passphrase is slow by design. */
export function protection(): StoreProtection {
  const keyMaterial = new Uint8Array(32).fill(7);
  const provider = new LocalKeyWrapProvider({ keys: [{ keyId: 'crash', keyMaterial }] });
  return { provider, keyId: 'crash' };
}
