import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { describeConformance } from '@keywrap/testkit';
import { withReadyKeys } from './ready-keys.js';
import { ENGINES } from './support.js';

for (const engine of ENGINES) {
  await describeConformance({
    name: `LocalKeyWrapProvider with the ${engine} engine`,
    async open() {
      const provider = new LocalKeyWrapProvider({ engine });
      return { provider, keys: withReadyKeys(provider), cache: withDataKeyCache };
    },
  });
}
