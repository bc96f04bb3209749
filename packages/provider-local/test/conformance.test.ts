import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { type ConformanceKeys, describeConformance, keysOf } from '@keywrap/testkit';
import { ENGINES, fixture } from './support.js';

for (const engine of ENGINES) {
  await describeConformance({
    name: `LocalKeyWrapProvider with the ${engine} engine`,
    async open() {
      const provider = new LocalKeyWrapProvider({ engine });
      return { provider, keys: withReadyKeys(provider) };
    },
  });
}

/** Imports the first large RSA key of each size, because making one takes seconds. */
function withReadyKeys(provider: LocalKeyWrapProvider): ConformanceKeys {
  const ready = new Map<string, Buffer>([
    ['RSA_3072', fixture('three-prime-3072.pem')],
    ['RSA_4096', fixture('three-prime-4096.pem')],
  ]);
  const keys = keysOf(provider);
  return {
    ...keys,
    async create(request) {
      const keyMaterial = ready.get(request.keySpec);
      if (keyMaterial === undefined || request.origin !== undefined) return keys.create(request);
      ready.delete(request.keySpec);
      const { keyId } = await provider.createKey({ ...request, origin: 'EXTERNAL' });
      return provider.importKeyMaterial({ keyId, keyMaterial });
    },
  };
}
