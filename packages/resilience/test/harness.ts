import { randomUUID } from 'node:crypto';
import { parseKeyId, UnsupportedOperationError } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { type MemberKey, SeveralKeysProvider } from '@keywrap/resilience';
import type { ConformanceHarness } from '@keywrap/testkit';

/** Wraps under a key of each of two Regions. */
export const severalKeysHarness: ConformanceHarness = {
  name: 'SeveralKeysProvider over two Regions',
  async open() {
    const regions = ['eu-west-1', 'us-east-1'].map(
      (region) => new LocalKeyWrapProvider({ region }),
    );
    const members = new Map<string, readonly MemberKey[]>();
    const forEach = async (keyArn: string, work: (member: MemberKey, i: number) => unknown) => {
      const { id } = parseKeyId(keyArn) as { readonly id: string };
      await Promise.all((members.get(id) ?? []).map(work));
    };
    const administer =
      (name: 'disableKey' | 'enableKey' | 'scheduleKeyDeletion' | 'rotateKey') =>
      (keyArn: string) =>
        forEach(keyArn, ({ keyId }, i) => (regions[i] as LocalKeyWrapProvider)[name]({ keyId }));
    return {
      provider: new SeveralKeysProvider({ keys: (name) => members.get(name) }),
      cache: withDataKeyCache,
      keys: {
        async create({ keySpec, origin }) {
          if (keySpec !== 'SYMMETRIC_DEFAULT' || origin !== undefined) {
            throw new UnsupportedOperationError(`no ${keySpec} keys here`);
          }
          const name = randomUUID();
          const made = regions.map(async (provider) => {
            const { keyId } = await provider.createKey();
            return { provider, keyId };
          });
          members.set(name, await Promise.all(made));
          return { keyId: `arn:keywrap:kms:several:keys:key/${name}` };
        },
        disable: administer('disableKey'),
        enable: administer('enableKey'),
        scheduleDeletion: administer('scheduleKeyDeletion'),
        rotate: administer('rotateKey'),
      },
    };
  },
};
