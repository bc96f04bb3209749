import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import {
  type LocalKeyWrapOptions,
  LocalKeyWrapProvider,
  MemoryKeyStore,
} from '@keywrap/provider-local';
import type { ConformanceHarness, ConformanceSubject } from '@keywrap/testkit';
import { withReadyKeys } from './ready-keys.js';

const WEEK = 7 * 24 * 60 * 60 * 1000;

/** A provider with every hook that keys on this machine have: they have no rights, outages or foreign administrator. */
export function localSubject(
  options: Pick<LocalKeyWrapOptions, 'engine' | 'store'>,
): ConformanceSubject {
  let ahead = 0;
  const now = () => new Date(Date.now() + ahead);
  const another = () => new LocalKeyWrapProvider({ ...options, now });
  const provider = another();
  return {
    provider,
    cache: withDataKeyCache,
    reopen: async () => another(),
    keys: {
      ...withReadyKeys(provider),
      createForeign: () =>
        provider.createKey({ keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC' }),
      deleteSoftly: (keyId) => provider.scheduleKeyDeletion({ keyId }),
      async destroy(keyId) {
        await provider.scheduleKeyDeletion({ keyId, pendingWindowInDays: 7 });
        // The deletion is done when the key is next read; the clock goes back for keys that wait for longer.
        ahead += WEEK + 1;
        await provider.describeKey({ keyId }).catch(() => 'no longer there');
        ahead -= WEEK + 1;
      },
    },
  };
}

/** Keys in memory; `keywrap-conformance` takes it too. */
export const harnessOf = (engine: 'node' | 'forge'): ConformanceHarness => ({
  name: `LocalKeyWrapProvider with the ${engine} engine`,
  open: async () => localSubject({ engine, store: new MemoryKeyStore() }),
});

export default harnessOf('node');
