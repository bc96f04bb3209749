import {
  createProvider,
  type DataKey,
  type DecryptResult,
  type KeyWrapProvider,
} from '@keywrap/core';
import { type DataKeyCacheLimits, withDataKeyCache } from '@keywrap/core/data-key-cache';
import type { ConformanceSubject } from '@keywrap/testkit';
import { type Loose, type Mutant, plain, replaced } from './mutant.js';
import { ReferenceDriver } from './reference-driver.js';

type Cache = NonNullable<ConformanceSubject['cache']>;
type Options = Parameters<Cache>[2];

function badCache(name: string, rule: string, cache: Cache): Mutant {
  return {
    name: `a data-key cache that ${name}`,
    breaks: `data-key-cache-${rule}`,
    open() {
      const driver = new ReferenceDriver();
      return { provider: createProvider(driver), keys: driver, cache };
    },
  };
}

/** The right cache, told other limits. */
function misled(name: string, change: (limits: DataKeyCacheLimits) => object): Mutant {
  return badCache(name, 'limits', (provider, limits, options) =>
    withDataKeyCache(provider, { ...limits, ...change(limits) }, options),
  );
}

/** The right cache that is asked another question than the caller asked. */
function confused(name: string, operation: string, change: Loose): Mutant {
  return badCache(name, 'sharing', (provider, limits, options) => {
    const cached = withDataKeyCache(provider, limits, options);
    const first = new Map<string, unknown>();
    const ask = Reflect.get(cached, operation, cached) as Loose;
    return replaced(cached, {
      [operation]: async (input, callOptions) => {
        const question = JSON.stringify(change(input));
        const known = first.get(question);
        if (known !== undefined) return known;
        const result: unknown = await ask.call(cached, input, callOptions);
        first.set(question, result);
        return result;
      },
    });
  });
}

/** Hands out the very keys that it keeps. */
function sharedMemory(provider: KeyWrapProvider, _limits: DataKeyCacheLimits, _options: Options) {
  let kept: Promise<DataKey> | undefined;
  return replaced(provider, {
    generateDataKey: (input, options) => {
      kept ??= provider.generateDataKey(input, options);
      return kept;
    },
  });
}

/** Takes copies from the provider, and leaves what it was given as it is. */
function neverWiped(provider: KeyWrapProvider, limits: DataKeyCacheLimits, options: Options) {
  const copied = (operation: 'generateDataKey' | 'decrypt'): Loose => {
    const call = provider[operation].bind(provider) as Loose;
    return async (input, callOptions) => {
      const result = (await call(input, callOptions)) as DataKey | DecryptResult;
      const { plaintext, ...rest } = plain(result) as { plaintext: Uint8Array };
      return Reflect.construct(result.constructor as new () => object, [
        { ...rest, plaintext: plaintext.slice() },
      ]);
    };
  };
  const copying = replaced(provider, {
    generateDataKey: copied('generateDataKey'),
    decrypt: copied('decrypt'),
  });
  return withDataKeyCache(copying, limits, options);
}

/** Renews the age of what it has decrypted with each use. */
function aging(provider: KeyWrapProvider, limits: DataKeyCacheLimits, options: Options) {
  const cached = withDataKeyCache(provider, limits, options);
  const uses = new Map<string, { at: number; plaintext: Uint8Array }>();
  return replaced(cached, {
    decrypt: async (input, callOptions) => {
      const name = JSON.stringify([input, ...input.ciphertext]);
      const known = uses.get(name);
      if (known !== undefined && options.now() - known.at <= limits.maximumAge) {
        known.at = options.now();
        return {
          ...known,
          keyId: input.keyId,
          algorithm: 'SYMMETRIC_DEFAULT',
          plaintext: known.plaintext.slice(),
        };
      }
      const result = await cached.decrypt(input, callOptions);
      uses.set(name, { at: options.now(), plaintext: result.plaintext.slice() });
      return result;
    },
  });
}

/** Wrong about what it keeps, for how long, and for whom. */
export const dataKeyCacheMutants: readonly Mutant[] = [
  misled('allows one use more', ({ maximumUses }) => ({ maximumUses: maximumUses + 1 })),
  misled('allows one use less', ({ maximumUses }) => ({ maximumUses: maximumUses - 1 })),
  misled('allows a byte more', ({ maximumBytes }) => ({ maximumBytes: maximumBytes + 1 })),
  misled('allows a millisecond more', ({ maximumAge }) => ({ maximumAge: maximumAge + 1 })),
  misled('allows a millisecond less', ({ maximumAge }) => ({ maximumAge: maximumAge - 1 })),
  badCache('takes no bytesToEncrypt for one', 'limits', (provider, limits, options) => {
    const cached = withDataKeyCache(provider, limits, options);
    return replaced(cached, {
      generateDataKey: (input, callOptions) =>
        cached.generateDataKey(input, { bytesToEncrypt: 1, ...callOptions }),
    });
  }),
  badCache('counts the age of a decrypted key from its last use', 'limits', aging),
  badCache('caches nothing', 'limits', (provider) => provider),
  badCache('hands out what it keeps', 'wiping', sharedMemory),
  badCache('hands out the decrypted key that it keeps', 'wiping', (provider, limits, options) => {
    const cached = withDataKeyCache(provider, limits, options);
    const kept = new Map<string, Promise<DecryptResult>>();
    return replaced(cached, {
      decrypt: (input, callOptions) => {
        const name = JSON.stringify([input, ...input.ciphertext]);
        const result = kept.get(name) ?? cached.decrypt(input, callOptions);
        kept.set(name, result);
        return result;
      },
    });
  }),
  badCache('wipes nothing', 'wiping', neverWiped),
  badCache('is not closed', 'wiping', (provider, limits, options) =>
    replaced(withDataKeyCache(provider, limits, options), { close: async () => {} }),
  ),
  confused('forgets the context', 'generateDataKey', ({ keyId, keySpec }) => ({ keyId, keySpec })),
  confused('joins the context up', 'generateDataKey', ({ encryptionContext, ...rest }) => ({
    ...rest,
    context: Object.entries(encryptionContext ?? {})
      .flat()
      .join(''),
  })),
  confused('joins the pairs by commas', 'generateDataKey', ({ encryptionContext, ...rest }) => ({
    ...rest,
    context: Object.entries(encryptionContext ?? {})
      .map((pair) => pair.join('='))
      .join(','),
  })),
  confused('forgets the key', 'generateDataKey', ({ keyId: _, ...rest }) => rest),
  confused('forgets the length', 'generateDataKey', ({ keyId }) => ({ keyId })),
  confused('opens under any context', 'decrypt', ({ keyId, ciphertext }) => ({
    keyId,
    ciphertext,
  })),
  confused('opens under any key', 'decrypt', ({ keyId: _, ...rest }) => rest),
  badCache('forgets the grant tokens', 'sharing', (provider, limits, options) => {
    const cached = withDataKeyCache(provider, limits, options);
    const without = (operation: 'generateDataKey' | 'decrypt'): Loose => {
      const call = cached[operation].bind(cached) as Loose;
      return (input, { grantTokens: _, ...callOptions } = {}) => call(input, callOptions);
    };
    return replaced(cached, {
      generateDataKey: without('generateDataKey'),
      decrypt: without('decrypt'),
    });
  }),
  confused('answers encrypt', 'encrypt', ({ keyId, plaintext }) => [keyId, ...plaintext]),
  (() => {
    const caches = new WeakMap<object, KeyWrapProvider>();
    return badCache('is one for all', 'sharing', (provider, limits, options) => {
      const { capabilities } = provider;
      const cached = caches.get(capabilities) ?? withDataKeyCache(provider, limits, options);
      caches.set(capabilities, cached);
      return cached;
    });
  })(),
  badCache('makes a call for each that waits', 'waiting', (provider, limits, options) => {
    const caches = new Map<number, KeyWrapProvider>();
    let underWay = 0;
    return replaced(provider, {
      generateDataKey: async (input, callOptions) => {
        const cache = caches.get(underWay) ?? withDataKeyCache(provider, limits, options);
        caches.set(underWay, cache);
        underWay++;
        return cache.generateDataKey(input, callOptions).finally(() => underWay--);
      },
    });
  }),
  badCache('remembers an error', 'waiting', (provider, limits, options) => {
    const cached = withDataKeyCache(provider, limits, options);
    const failed = new Map<string, unknown>();
    return replaced(cached, {
      decrypt: (input, callOptions) => {
        const name = Buffer.from(input.ciphertext).toString('latin1');
        if (failed.has(name)) return Promise.reject(failed.get(name));
        return cached.decrypt(input, callOptions).catch((error: unknown) => {
          failed.set(name, error);
          throw error;
        });
      },
    });
  }),
  badCache('aborts all for one', 'waiting', (provider, limits, options) => {
    let signal: AbortSignal | undefined;
    const cached = withDataKeyCache(provider, limits, options);
    return replaced(cached, {
      generateDataKey: (input, callOptions) => {
        signal = callOptions?.signal ?? signal;
        return cached.generateDataKey(input, { ...callOptions, signal });
      },
    });
  }),
];
