import { randomUUID } from 'node:crypto';
import { parseKeyId, UnsupportedOperationError } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { type MemberKey, SeveralKeysProvider } from '@keywrap/resilience';
import { type ConformanceHarness, keysOf } from '@keywrap/testkit';

/** What changes all keys of a name, where each backend can do it. */
const HOOKS = ['disable', 'enable', 'scheduleDeletion', 'rotate'] as const;

/** Wraps under a key of each backend. */
export function severalKeysHarness(
  name: string,
  backends: readonly ConformanceHarness[],
): ConformanceHarness {
  return {
    name,
    async open() {
      const opened = await Promise.all(backends.map((backend) => backend.open()));
      const members = new Map<string, readonly MemberKey[]>();
      const hooks = HOOKS.filter((hook) => opened.every(({ keys }) => keys[hook] !== undefined));
      const administer = (hook: (typeof HOOKS)[number]) => async (keyArn: string) => {
        const { id } = parseKeyId(keyArn) as { readonly id: string };
        const own = members.get(id) ?? [];
        await Promise.all(own.map(({ keyId }, i) => opened[i]?.keys[hook]?.(keyId)));
      };
      return {
        provider: new SeveralKeysProvider({ keys: (key) => members.get(key) }),
        cache: withDataKeyCache,
        keys: {
          async create({ keySpec, keyUsage, origin }) {
            if (keySpec !== 'SYMMETRIC_DEFAULT' || origin !== undefined) {
              throw new UnsupportedOperationError(`no ${keySpec} keys here`);
            }
            const made = opened.map(async ({ provider, keys }) => {
              const { keyId } = await keys.create({ keySpec, keyUsage });
              return { provider, keyId };
            });
            const key = randomUUID();
            members.set(key, await Promise.all(made));
            return { keyId: `arn:keywrap:kms:several:keys:key/${key}` };
          },
          ...Object.fromEntries(hooks.map((hook) => [hook, administer(hook)])),
        },
        async close() {
          await Promise.all(opened.map(({ close }) => close?.()));
        },
      };
    },
  };
}

/** Local keys in two Regions. */
export const twoRegions = ['eu-west-1', 'us-east-1'].map(
  (region): ConformanceHarness => ({
    name: region,
    async open() {
      const provider = new LocalKeyWrapProvider({ region });
      return { provider, keys: keysOf(provider) };
    },
  }),
);
