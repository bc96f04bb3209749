import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import {
  type LocalKeyWrapOptions,
  LocalKeyWrapProvider,
  MemoryKeyStore,
} from '@keywrap/provider-local';
import type { ConformanceHarness, ConformanceSubject } from '@keywrap/testkit';
import { withReadyKeys } from './ready-keys.js';

const aWeekAgo = () => new Date(Date.now() - 7 * 24 * 60 * 60 * 1000 - 1);

/** A provider with every hook that keys on this machine have: they have no rights, outages or foreign administrator. */
export function localSubject(
  options: Pick<LocalKeyWrapOptions, 'engine' | 'store'>,
): ConformanceSubject {
  const another = () => new LocalKeyWrapProvider(options);
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
        // By an instance whose clock is behind, so that the deletion is due: a clock that moves would concern other cases.
        const past = new LocalKeyWrapProvider({ ...options, now: aWeekAgo });
        try {
          await past.scheduleKeyDeletion({ keyId, pendingWindowInDays: 7 });
        } finally {
          await past.close();
        }
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
