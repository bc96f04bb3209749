import {
  assertKeyUsable,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionAlgorithm,
  type EncryptionContext,
  type KeyName,
  KeyNotFoundError,
  type KeyRequest,
  type Layer,
  type PublicKeyResult,
  withLayer,
} from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { Client } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import { codeOf, encrypted, hex, inTurn, isSame, withKey, withRsaKey } from '../witness.js';

const mutant = blindSet('g');

/** Remembers for a minute that an alias does not exist, as resolvers do (RFC 2308). */
class RemembersMissing extends Client {
  readonly #missing = new Map<string, number>();

  protected override find(name: KeyName): HsmKey {
    if (!('alias' in name)) return super.find(name);
    if ((this.#missing.get(name.alias) ?? 0) > performance.now()) {
      throw new KeyNotFoundError('there is no such key');
    }
    try {
      return super.find(name);
    } catch (error) {
      if (this.#missing.size === 1000) this.#missing.clear();
      this.#missing.set(name.alias, performance.now() + 60_000);
      throw error;
    }
  }
}

class KeepsPublicKeys extends Client {
  readonly #publicKeys = new Map<string, PublicKeyResult['publicKey']>();

  override async getPublicKey(request: KeyRequest): Promise<PublicKeyResult> {
    const current = await super.getPublicKey(request);
    const publicKey = this.#publicKeys.get(request.key.text) ?? current.publicKey;
    this.#publicKeys.set(request.key.text, publicKey);
    return { ...current, publicKey };
  }
}

class VersionsAsText extends Client {
  protected override latest(key: HsmKey): number {
    const versions = [...key.versions.keys()].map((version) => `${version}`);
    return Number(versions.sort().at(-1));
  }
}

const tellsOneVersion: Layer = (inner) => ({
  ...inner,
  async reEncrypt(request, call) {
    const output = await inner.reEncrypt(request, call);
    const keyVersion = output.destinationKeyVersion ?? output.sourceKeyVersion;
    return { ...output, sourceKeyVersion: output.sourceKeyVersion && keyVersion };
  },
});

/** Checks the key that the caller named, and not the one that the ciphertext names. */
class ChecksNamedKeys extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const { key: name, ciphertext, encryptionContext } = request;
    if (name !== undefined) return super.decrypt(request, call);
    await this.hsm.request();
    const { key, version } = this.identify(ciphertext);
    this.hsm.allow('use', key);
    const plaintext = this.open(key, version, ciphertext, encryptionContext);
    return { plaintext, keyId: key.arn, keyVersion: `${version}` };
  }
}

class RemembersRights extends Client {
  readonly #allowed = new Set<string>();

  protected override usable(key: HsmKey, algorithm: EncryptionAlgorithm): void {
    if (this.#allowed.has(key.arn)) {
      assertKeyUsable(this.description(key), algorithm);
      return;
    }
    super.usable(key, algorithm);
    this.#allowed.add(key.arn);
  }
}

/** Looks aliases up with SQL's LIKE, in which an underscore is any character. */
class AliasesLike extends Client {
  protected override find(name: KeyName): HsmKey {
    if (!('alias' in name)) return super.find(name);
    const pattern = [...name.alias];
    const row = [...this.hsm.aliases.keys()].find(
      (alias) =>
        alias.length === pattern.length &&
        pattern.every((each, i) => each === '_' || each === alias[i]),
    );
    return super.find({ ...name, alias: row ?? name.alias });
  }
}

/** A data-key cache that joins names and values of a context without their lengths. */
function withJoinedContexts(...args: Parameters<typeof withDataKeyCache>) {
  const contexts = new Map<string, EncryptionContext>();
  const firstOf = (context: EncryptionContext): EncryptionContext => {
    const pairs = Object.entries(context).map(([name, value]) => `${name}=${value}`);
    const joined = pairs.sort().join();
    const first = contexts.get(joined) ?? context;
    if (contexts.size === 1000) contexts.clear();
    contexts.set(joined, first);
    return first;
  };
  return withLayer(withDataKeyCache(...args), (inner) => ({
    ...inner,
    generateDataKey(request, call) {
      if (call.bytesToEncrypt === undefined) return inner.generateDataKey(request, call);
      const encryptionContext = firstOf(request.encryptionContext);
      return inner.generateDataKey({ ...request, encryptionContext }, call);
    },
  }));
}

export const STATE: readonly BlindMutant[] = [
  mutant(
    {
      name: 'a missing alias stays missing for a minute',
      kind: 'names and state',
      wrong: 'an alias that was asked for before it was made is not found after it was made',
      source: 'negative caching of names, as in DNS (RFC 2308)',
      rule: 'current-state',
      profile: 'full',
    },
    { client: (hsm) => new RemembersMissing(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      const describe = () => codeOf(provider.describeKey({ keyId: 'alias/made-later' }));
      await describe();
      await keys.alias('alias/made-later', keyId);
      return (await describe()) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'a moved alias keeps its public key',
      kind: 'names and state',
      wrong:
        'getPublicKey by an alias returns the ARN of its new key with the public key of the old',
      source: 'public keys that are kept by the caller’s name of the key',
      rule: 'current-state',
      profile: 'full',
    },
    { client: (hsm) => new KeepsPublicKeys(hsm) },
    withRsaKey(async ({ provider, keys, keyId }) => {
      const other = await keys.create({ keySpec: 'RSA_2048', keyUsage: 'ENCRYPT_DECRYPT' });
      await keys.alias('alias/moved', keyId);
      const before = await provider.getPublicKey({ keyId: 'alias/moved' });
      await keys.moveAlias('alias/moved', other.keyId);
      const after = await provider.getPublicKey({ keyId: 'alias/moved' });
      return isSame(before.publicKey, after.publicKey);
    }),
  ),
  mutant(
    {
      name: 'the tenth version is never used',
      kind: 'changes',
      wrong: 'after nine rotations new ciphertexts are still made by version 9',
      source: 'versions that are sorted as text, in which 9 comes after 10',
      rule: 'rotation',
      profile: 'soak',
    },
    { client: (hsm) => new VersionsAsText(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await inTurn(9, () => keys.rotate(keyId));
      const { keyVersion } = await provider.encrypt({ keyId, plaintext: Uint8Array.of(1) });
      return keyVersion !== '10';
    }),
  ),
  mutant(
    {
      name: 're-encryption reports the new version for the old',
      kind: 'results',
      wrong: 'sourceKeyVersion is the version of the destination, so that nothing seems to be old',
      source: 'one variable for the version of both sides',
      rule: 'rotation',
      profile: 'quick',
    },
    { layer: tellsOneVersion },
    withKey(async (scene) => {
      const { provider, keys, keyId } = scene;
      const ciphertext = await encrypted(scene);
      await keys.rotate(keyId);
      const moved = await provider.reEncrypt({ ciphertext, destination: { keyId } });
      return moved.sourceKeyVersion !== '1';
    }),
  ),
  mutant(
    {
      name: 'ciphertexts without a named key ignore its state',
      kind: 'names and state',
      wrong: 'decrypt without a key id uses a key that is disabled or pending deletion',
      source: 'the state is checked where the name is resolved',
      rule: 'current-state',
      profile: 'quick',
    },
    { client: (hsm) => new ChecksNamedKeys(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      await scene.keys.disable(scene.keyId);
      return (await codeOf(scene.provider.decrypt({ ciphertext }))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'a right that was used once stays',
      kind: 'changes',
      wrong: 'a key that this instance has used remains usable after the right was taken away',
      source: 'decisions of the policy that are cached for the life of a session',
      rule: 'outside-changes',
      profile: 'quick',
    },
    { client: (hsm) => new RemembersRights(hsm) },
    withKey(async (scene) => {
      await encrypted(scene);
      await scene.keys.deny(scene.keyId, 'use');
      return (await codeOf(encrypted(scene))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'an underscore in an alias stands for any character',
      kind: 'names and state',
      wrong: 'alias/orders_eu finds the key of alias/orders-eu',
      source: 'SQL: WHERE alias LIKE ?',
      rule: 'exact-key-ids',
      profile: 'full',
    },
    { client: (hsm) => new AliasesLike(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.alias('alias/orders-eu', keyId);
      return (await codeOf(provider.describeKey({ keyId: 'alias/orders_eu' }))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'a data-key cache joins names and values',
      kind: 'caches',
      wrong:
        'contexts with the same text of names and values share a data key, bound to one of them',
      source: 'a cache key that is not injective, as in web cache poisoning',
      rule: 'data-key-cache-sharing',
      profile: 'full',
    },
    { cache: withJoinedContexts },
    withKey(async ({ provider, cache, keyId }) => {
      if (cache === undefined) return false;
      const limits = { maximumUses: 10, maximumBytes: 1000, maximumAge: 60_000 };
      await using cached = cache(provider, limits, { now: () => performance.now() });
      const contexts = [{ a: '1', b: '2' }, { a: '1,b=2' }] as EncryptionContext[];
      const made = await inTurn(2, (i) =>
        cached.generateDataKey(
          { keyId, keySpec: 'AES_256', encryptionContext: contexts[i] },
          { bytesToEncrypt: 1 },
        ),
      );
      return new Set(made.map(({ ciphertext }) => hex(ciphertext))).size === 1;
    }),
  ),
];
