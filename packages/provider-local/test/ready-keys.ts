import type { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { type ConformanceKeys, keysOf } from '@keywrap/testkit';
import { fixture } from './support.js';

/** Imports the first RSA key of each size, because making one takes up to seconds. */
export function withReadyKeys(provider: LocalKeyWrapProvider): ConformanceKeys {
  const ready = new Map<string, Buffer>([
    ['RSA_2048', fixture('rsa-2048.pem')],
    ['RSA_3072', fixture('rsa-3072.pem')],
    ['RSA_4096', fixture('rsa-4096.pem')],
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
