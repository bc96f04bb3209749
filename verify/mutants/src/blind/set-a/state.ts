import {
  AbortError,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type KeyDescription,
  type KeyName,
  KeyNotFoundError,
  type KeyRequest,
  KeyWrapError,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { Client, doesNotOpen } from '../right/client.js';
import { Hsm, type HsmKey } from '../right/hsm.js';
import { codeOf, decrypted, encrypted, inTurn, SYMMETRIC, withKey } from '../witness.js';

const mutant = blindSet('a');

class SqlLike extends Client {
  protected override find(name: KeyName): HsmKey {
    // Where it is, and what its ARN says, are checked as they should be.
    if (name.kind !== 'key-id' && name.kind !== 'alias-name') return super.find(name);
    const { keys, aliases } = this.hsm;
    if (name.kind === 'key-id') {
      const id = [...keys.keys()].find((each) => isLike(each, name.id));
      if (id !== undefined) return keys.get(id) as HsmKey;
    } else {
      const alias = [...aliases.keys()].find((each) => isLike(each, name.alias));
      const key = keys.get(aliases.get(alias ?? '') ?? '');
      if (key !== undefined) return key;
    }
    throw new KeyNotFoundError('there is no such key');
  }
}

/** SQL's LIKE: `%` is any text, `_` any character. */
function isLike(text: string, pattern: string): boolean {
  const escaped = pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('%', '.*').replaceAll('_', '.')}$`).test(text);
}

class EightVersions extends Hsm {
  override async rotate(arn: string): Promise<void> {
    await super.rotate(arn);
    const { versions } = this.at(arn);
    const oldest = Math.min(...versions.keys());
    if (versions.size > 8) versions.delete(oldest);
  }
}

class AliasOfAnyAccount extends Client {
  protected override find(name: KeyName): HsmKey {
    if (name.kind !== 'alias-arn') return super.find(name);
    return super.find({ kind: 'alias-name', alias: name.alias, text: name.alias });
  }
}

class RemembersAliases extends Client {
  readonly #resolved = new Map<string, HsmKey>();
  protected override find(name: KeyName): HsmKey {
    if (name.kind !== 'alias-name') return super.find(name);
    const key = this.#resolved.get(name.alias) ?? super.find(name);
    this.#resolved.set(name.alias, key);
    return key;
  }
}

class CountsVersions extends Client {
  protected override latest(key: HsmKey) {
    return key.versions.size;
  }
}

class RecyclingHsm extends Hsm {
  readonly bin = new Set<string>();
  override async deleteSoftly(arn: string): Promise<void> {
    await super.deleteSoftly(arn);
    this.bin.add(arn);
  }
}

class DescribesDeletedAsEnabled extends Client {
  override async describeKey(request: KeyRequest): Promise<KeyDescription> {
    const description = await super.describeKey(request);
    if (!(this.hsm as RecyclingHsm).bin.has(description.keyId)) return description;
    return { ...description, keyState: 'Enabled', deletionDate: undefined };
  }
}

class CatchesEverything extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    try {
      return await super.decrypt(request, call);
    } catch (error) {
      throw error instanceof KeyWrapError ? error : doesNotOpen();
    }
  }
}

class TimesOutAsAborted extends Client {
  override mapError(error: unknown, step: string) {
    const isTimeout = error instanceof Error && error.name === 'TimeoutError';
    if (isTimeout) return new AbortError('the call was aborted', { cause: error });
    return super.mapError(error, step);
  }
}

export const STATE = [
  mutant(
    {
      name: 'sql-like',
      kind: 'names and state',
      wrong: "Names are looked up with SQL's LIKE, so % and _ in them match other keys.",
      source: 'CWE-155; LIKE in the look-up of a key store',
      profile: 'full',
    },
    { client: (hsm) => new SqlLike(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.alias('alias/blind-a-b', keyId);
      const other = await keys.create(SYMMETRIC);
      await keys.alias('alias/blind-a_b', other.keyId);
      const description = await provider.describeKey({ keyId: 'alias/blind-a_b' });
      const any = await codeOf(provider.describeKey({ keyId: '%' }));
      return description.keyId === keyId && any === 'ok';
    }),
  ),
  mutant(
    {
      name: 'eight-versions',
      kind: 'names and state',
      wrong: 'Rotating more than seven times discards the oldest version.',
      source: 'slots of an HSM partition that run out; retention of versions by count',
      profile: 'full',
    },
    { hsm: (pairs) => new EightVersions(pairs) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      await inTurn(10, () => scene.keys.rotate(scene.keyId));
      return (await codeOf(decrypted(scene, ciphertext))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'alias-of-any-account',
      kind: 'names and state',
      wrong:
        'Of the ARN of an alias, only the name counts: that of another account names a key here.',
      source: 'confused deputy, CWE-441',
      profile: 'full',
    },
    { client: (hsm) => new AliasOfAnyAccount(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.alias('alias/blind', keyId);
      const elsewhere = 'arn:hsm:kms:here:999999999999:alias/blind';
      return (await codeOf(provider.describeKey({ keyId: elsewhere }))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'remembers-aliases',
      kind: 'names and state',
      wrong: 'An alias is resolved once, and keeps naming its old key after it has been moved.',
      source: 'caches of names without an age, as for DNS in the JVM',
      profile: 'full',
    },
    { client: (hsm) => new RemembersAliases(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.alias('alias/blind', keyId);
      await provider.describeKey({ keyId: 'alias/blind' });
      const other = await keys.create(SYMMETRIC);
      await keys.moveAlias('alias/blind', other.keyId);
      return (await provider.describeKey({ keyId: 'alias/blind' })).keyId === keyId;
    }),
  ),
  mutant(
    {
      name: 'counts-versions',
      kind: 'changes',
      wrong: 'The number of versions is taken for the latest: it fails once old ones were removed.',
      source: 'a provider for OpenBao, after a trim of the key',
      profile: 'full',
    },
    { client: (hsm) => new CountsVersions(hsm) },
    withKey(async (scene) => {
      await inTurn(3, () => scene.keys.rotate(scene.keyId));
      await scene.keys.removeOldVersions(scene.keyId);
      return (await codeOf(encrypted(scene))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'describes-deleted-as-enabled',
      kind: 'changes',
      wrong: 'A key that was deleted softly is described as enabled.',
      source: 'a provider for OpenBao; soft delete of Azure Key Vault',
      profile: 'full',
    },
    {
      hsm: (pairs) => new RecyclingHsm(pairs),
      client: (hsm) => new DescribesDeletedAsEnabled(hsm),
    },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.deleteSoftly(keyId);
      return (await provider.describeKey({ keyId })).keyState === 'Enabled';
    }),
  ),
  mutant(
    {
      name: 'catches-everything',
      kind: 'outages',
      wrong:
        'Whatever goes wrong in a decrypt, an outage too, is reported as an invalid ciphertext.',
      source: 'catch-all handlers around a cipher, CWE-396',
      profile: 'full',
    },
    { client: (hsm) => new CatchesEverything(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      await scene.fail('unavailable');
      const code = await codeOf(decrypted(scene, ciphertext));
      await scene.fail(undefined);
      return code === 'INVALID_CIPHERTEXT';
    }),
  ),
  mutant(
    {
      name: 'times-out-as-aborted',
      kind: 'outages',
      wrong:
        "The client's own time-out is reported as an abort of the caller, which is never retried.",
      source:
        'AbortSignal.timeout inside an HTTP client, whose error looks like the abort of a caller',
      profile: 'full',
    },
    { client: (hsm) => new TimesOutAsAborted(hsm) },
    withKey(async (scene) => {
      await scene.fail('unavailable');
      const codes = await inTurn(3, () => codeOf(encrypted(scene)));
      await scene.fail(undefined);
      return codes.includes('ABORTED');
    }),
  ),
];
