import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { type ConformanceHarness, describeConformance } from '@keywrap/testkit';
import { withReadyKeys } from './ready-keys.js';
import { ENGINES } from './support.js';

// `npm run conformance:matrix` runs the rest.
for (const engine of ENGINES) {
  const harness: ConformanceHarness = {
    name: `LocalKeyWrapProvider with the ${engine} engine`,
    async open() {
      const provider = new LocalKeyWrapProvider({ engine });
      return { provider, keys: withReadyKeys(provider), cache: withDataKeyCache };
    },
  };
  await describeConformance(harness, globalThis, { profile: 'quick' });
}
