import type { DataKey, DecryptResult, KeyWrapProvider } from '@keywrap/core';
import type { DataKeyCacheLimits } from '@keywrap/core/data-key-cache';
import type { ConformanceSubject } from './harness.js';

/** A data-key cache, and what goes on behind it. */
export interface CachedProvider {
  readonly provider: KeyWrapProvider;
  /** The plaintexts that the cache got from the provider, in the memory in which it got them. */
  readonly received: readonly Uint8Array[];
  /** Lets time pass for the cache. */
  passTime(milliseconds: number): void;
}

/** Puts a cache in front of a provider, with somebody between them who looks at what it is given. */
export function openCache(
  cache: NonNullable<ConformanceSubject['cache']>,
  provider: KeyWrapProvider,
  limits: DataKeyCacheLimits,
): CachedProvider {
  const received: Uint8Array[] = [];
  let time = 0;
  return {
    provider: cache(watched(provider, received), limits, { now: () => time }),
    received,
    passTime: (milliseconds) => {
      time += milliseconds;
    },
  };
}

function watched(provider: KeyWrapProvider, received: Uint8Array[]): KeyWrapProvider {
  const keep = async <Result extends DataKey | DecryptResult>(call: Promise<Result>) => {
    const result = await call;
    received.push(result.plaintext);
    return result;
  };
  const overrides: Partial<KeyWrapProvider> = {
    generateDataKey: (input, options) => keep(provider.generateDataKey(input, options)),
    decrypt: (input, options) => keep(provider.decrypt(input, options)),
  };
  return new Proxy(provider, {
    get(_, name) {
      if (Object.hasOwn(overrides, name)) return Reflect.get(overrides, name);
      const value: unknown = Reflect.get(provider, name, provider);
      return typeof value === 'function' ? value.bind(provider) : value;
    },
  });
}
