import type { KeyDescription, KeyName, KeyRequest, PublicKeyResult } from '@keywrap/core';
import { type EncryptionContext, KeyNotFoundError } from '@keywrap/core';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { Client, doesNotOpen } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import { codeOf, decrypted, encrypted, inTurn, withKey, withRsaKey } from '../witness.js';

const mutant = blindSet('d');

/** Caches are bounded, as in the clients that they are taken from. */
const MAXIMUM = 500;

class NegativeCacheClient extends Client {
  readonly #unknown = new Set<string>();

  protected override find(name: KeyName): HsmKey {
    if (!('alias' in name)) return super.find(name);
    if (this.#unknown.has(name.text)) throw new KeyNotFoundError('there is no such key');
    try {
      return super.find(name);
    } catch (error) {
      if (this.#unknown.size >= MAXIMUM) this.#unknown.clear();
      this.#unknown.add(name.text);
      throw error;
    }
  }
}

class RevalidatingClient extends Client {
  readonly #known = new Map<string, KeyDescription>();

  override async describeKey(request: KeyRequest): Promise<KeyDescription> {
    const { text } = request.key;
    const known = this.#known.get(text);
    const fresh = this.#refresh(request);
    if (known === undefined) return fresh;
    fresh.catch(() => this.#known.delete(text));
    return known;
  }

  async #refresh(request: KeyRequest): Promise<KeyDescription> {
    const description = await super.describeKey(request);
    if (this.#known.size >= MAXIMUM) this.#known.clear();
    this.#known.set(request.key.text, description);
    return description;
  }
}

class SortingClient extends Client {
  protected override latest(key: HsmKey): number {
    return [...key.versions.keys()].sort().at(-1) as number;
  }
}

class LoadedKeyClient extends Client {
  readonly #loaded = new Map<string, Uint8Array>();

  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const name = `${key.id} ${version}`;
    const material = this.#loaded.get(name) ?? key.versions.get(version);
    if (material === undefined) throw doesNotOpen();
    if (this.#loaded.size >= MAXIMUM) this.#loaded.clear();
    this.#loaded.set(name, material);
    const versions = new Map([[version, material]]);
    return super.open({ ...key, versions }, version, ciphertext, context);
  }
}

class DescribingClient extends Client {
  override async getPublicKey(request: KeyRequest): Promise<PublicKeyResult> {
    await this.describeKey(request);
    return super.getPublicKey(request);
  }
}

class MergingClient extends Client {
  protected override find(name: KeyName): HsmKey {
    if (!('alias' in name)) return super.find(name);
    return super.find({ ...name, alias: name.alias.replaceAll(/\/{2,}/g, '/') });
  }
}

class VersionListClient extends Client {
  readonly #versions = new Map<string, ReadonlySet<number>>();

  protected override seal(key: HsmKey, ...rest: SealRest): Uint8Array {
    this.#versions.set(key.id, new Set(key.versions.keys()));
    return super.seal(key, ...rest);
  }

  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const known = this.#versions.get(key.id) ?? new Set(key.versions.keys());
    this.#versions.set(key.id, known);
    if (!known.has(version)) throw doesNotOpen();
    return super.open(key, version, ciphertext, context);
  }
}

type SealRest = [version: number, plaintext: Uint8Array, context: EncryptionContext];

export const STATE: readonly BlindMutant[] = [
  mutant(
    {
      name: 'an-alias-that-was-missing-once-stays-missing',
      kind: 'caches',
      wrong: 'The client remembers that an alias does not exist, also after it was made',
      source: 'negative caches of names, as resolvers of DNS have them',
      rule: 'current-state',
      profile: 'full',
    },
    { client: (hsm) => new NegativeCacheClient(hsm) },
    withKey(async (scene) => {
      const byAlias = { ...scene, keyId: 'alias/made-later' };
      await codeOf(encrypted(byAlias));
      await scene.keys.alias('alias/made-later', scene.keyId);
      return (await codeOf(encrypted(byAlias))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'describe-key-returns-the-last-description-and-refreshes-it-afterwards',
      kind: 'caches',
      wrong: 'The first description after a change is that from before it; the second one is right',
      source: '`stale-while-revalidate` of HTTP caches (RFC 5861) in front of a backend',
      rule: 'current-state',
      profile: 'quick',
    },
    { client: (hsm) => new RevalidatingClient(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await provider.describeKey({ keyId });
      await keys.disable(keyId);
      return (await provider.describeKey({ keyId })).keyState !== 'Disabled';
    }),
  ),
  mutant(
    {
      name: 'version-10-is-sorted-before-version-9',
      kind: 'changes',
      wrong:
        'The newest version is found by a sort of text: after the ninth rotation new ciphertexts still use version 9',
      source: '`sort()` without a comparison sorts numbers as text',
      rule: 'rotation',
      profile: 'soak',
    },
    { client: (hsm) => new SortingClient(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      const versionNow = async () => {
        await keys.rotate(keyId);
        return (await provider.encrypt({ keyId, plaintext: Uint8Array.of(1) })).keyVersion;
      };
      const versions = await inTurn(9, versionNow);
      return new Set(versions).size < versions.length;
    }),
  ),
  mutant(
    {
      name: 'a-version-that-was-used-once-outlives-its-removal',
      kind: 'changes',
      wrong:
        'The client keeps the versions that it has decrypted with, and goes on with them after an administrator removed them',
      source: 'caches of unwrapped key material in front of an HSM',
      rule: 'outside-changes',
      profile: 'full',
    },
    { client: (hsm) => new LoadedKeyClient(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      await decrypted(scene, ciphertext);
      await scene.keys.rotate(scene.keyId);
      await scene.keys.removeOldVersions(scene.keyId);
      return (await codeOf(decrypted(scene, ciphertext))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'get-public-key-needs-the-right-to-describe',
      kind: 'changes',
      wrong:
        'getPublicKey describes the key first, so a caller who may use the key but not read about it is denied',
      source:
        'cloud clients that call DescribeKey before each use, under policies of least privilege',
      rule: 'outside-changes',
      profile: 'full',
    },
    { client: (hsm) => new DescribingClient(hsm) },
    withRsaKey(async ({ provider, keys, keyId }) => {
      await keys.deny(keyId, 'describe');
      return (await codeOf(provider.getPublicKey({ keyId }))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'double-slashes-in-aliases-are-merged',
      kind: 'names and state',
      wrong: 'alias/a//b finds the key of alias/a/b',
      source: '`merge_slashes` of nginx, and path joins, on the way of a name in a URL',
      rule: 'exact-key-ids',
      profile: 'full',
    },
    { client: (hsm) => new MergingClient(hsm) },
    withKey(async (scene) => {
      await scene.keys.alias('alias/a/b', scene.keyId);
      return (await codeOf(encrypted({ ...scene, keyId: 'alias/a//b' }))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'versions-made-elsewhere-are-unknown-until-the-next-encrypt',
      kind: 'changes',
      wrong:
        'A client that only decrypts keeps the list of versions of its first call, and reports what another instance encrypted after a rotation as damaged',
      source: 'readers beside a writer, each with its own copy of the key ring',
      rule: 'rotation',
      profile: 'soak',
    },
    { client: (hsm) => new VersionListClient(hsm) },
    withKey(async (scene) => {
      const writer = { ...scene, provider: await scene.reopen() };
      try {
        await decrypted(scene, await encrypted(writer));
        await scene.keys.rotate(scene.keyId);
        return (await codeOf(decrypted(scene, await encrypted(writer)))) !== 'ok';
      } finally {
        await writer.provider.close();
      }
    }),
  ),
];
