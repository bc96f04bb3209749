import {
  AccessDeniedError,
  type Call,
  type EncryptionAlgorithm,
  type EncryptionContext,
  IN_PROCESS,
  IncorrectKeyError,
  type InProcess,
  isAsymmetricAlgorithm,
  type KeyName,
  KeyNotFoundError,
  type ReEncryptOutput,
  type ReEncryptRequest,
} from '@keywrap/core';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { Client } from '../right/client.js';
import { HsmError, type HsmKey } from '../right/hsm.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  inTurn,
  isSame,
  SYMMETRIC,
  withKey,
} from '../witness.js';

const mutant = blindSet('e');

/** Looks an alias up with LIKE, in which `_` is any character. */
class LikeInSql extends Client {
  protected override find(name: KeyName): HsmKey {
    if (!('alias' in name)) return super.find(name);
    const like = new RegExp(`^${name.alias.replaceAll('_', '.')}$`);
    const found = [...this.hsm.aliases.keys()].find((alias) => like.test(alias));
    return super.find({ ...name, alias: found ?? name.alias });
  }
}

/** Remembers the names that it did not find. */
class RemembersMissing extends Client {
  readonly #missing = new Set<string>();

  protected override find(name: KeyName): HsmKey {
    if (this.#missing.has(name.text)) throw new KeyNotFoundError('there is no such key');
    try {
      return super.find(name);
    } catch (error) {
      if (this.#missing.size >= 1000) this.#missing.clear();
      this.#missing.add(name.text);
      throw error;
    }
  }
}

/** Sorts the versions as the texts that the backend lists. */
class SortsTexts extends Client {
  protected override latest(key: HsmKey): number {
    return Number([...key.versions.keys()].map(String).sort().at(-1));
  }
}

/** Keeps the handle of each version that it has used. */
class KeepsHandles extends Client {
  readonly #handles = new Map<string, Uint8Array>();

  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const name = `${key.id} ${version}`;
    const material = this.#handles.get(name) ?? key.versions.get(version);
    if (material === undefined) return super.open(key, version, ciphertext, context);
    this.#handles.set(name, material);
    const versions = new Map([[version, material]]);
    return super.open({ ...key, versions }, version, ciphertext, context);
  }
}

/** Uses keys that are about to be deleted, to save what they wrapped. */
class Saving extends Client {
  protected override usable(key: HsmKey, algorithm: EncryptionAlgorithm): void {
    const state = key.state === 'PendingDeletion' ? 'Enabled' : key.state;
    super.usable({ ...key, state }, algorithm);
  }
}

class SavesDying extends Client {
  async reEncrypt(request: ReEncryptRequest, call: Call): Promise<ReEncryptOutput | InProcess> {
    const { source, destination, ciphertext } = request;
    if (!this.#isDying(source.key)) return IN_PROCESS;
    const opened = await new Saving(this.hsm).decrypt({ ...source, ciphertext }, call);
    const plaintext = opened.plaintext.slice();
    const sealed = await this.encrypt({ ...destination, plaintext }, call);
    return {
      ciphertext: sealed.ciphertext,
      sourceKeyId: opened.keyId,
      sourceKeyVersion: opened.keyVersion,
      destinationKeyId: sealed.keyId,
      destinationKeyVersion: sealed.keyVersion,
    };
  }

  #isDying(name: KeyName | undefined): boolean {
    try {
      return name !== undefined && this.find(name).state === 'PendingDeletion';
    } catch {
      return false;
    }
  }
}

/** Has nothing to do where both sides of reEncrypt are the same. */
class SkipsSameTarget extends Client {
  async reEncrypt(request: ReEncryptRequest): Promise<ReEncryptOutput | InProcess> {
    const { source, destination, ciphertext } = request;
    const areSame =
      source.key?.text === destination.key.text &&
      source.algorithm === destination.algorithm &&
      isSame(
        this.serialized(source.encryptionContext),
        this.serialized(destination.encryptionContext),
      );
    if (!areSame || isAsymmetricAlgorithm(source.algorithm)) return IN_PROCESS;
    const named = await this.use(destination.key, destination.algorithm);
    const { key, version } = this.identify(ciphertext, named);
    if (key !== named) {
      throw new IncorrectKeyError('another key made this ciphertext', { keyId: named.arn });
    }
    return {
      ciphertext,
      sourceKeyId: key.arn,
      sourceKeyVersion: `${version}`,
      destinationKeyId: key.arn,
      destinationKeyVersion: `${version}`,
    };
  }
}

/** Reads each third alias from a replica, which copies the table from time to time. */
class ReadsReplica extends Client {
  #replica: ReadonlyMap<string, string> = new Map();
  #reads = 0;

  protected override find(name: KeyName): HsmKey {
    if (name.kind !== 'alias-name') return super.find(name);
    if (this.#reads % 25 === 0) this.#replica = new Map(this.hsm.aliases);
    const isReplica = this.#reads++ % 3 === 2;
    const id = isReplica ? this.#replica.get(name.alias) : undefined;
    const copied = id === undefined ? undefined : this.hsm.keys.get(id);
    return copied ?? super.find(name);
  }
}

/** Remembers that a key was refused, and takes every refusal for a denial. */
class RemembersThrottling extends Client {
  readonly #refused = new Set<string>();

  protected override async use(name: KeyName, algorithm: EncryptionAlgorithm): Promise<HsmKey> {
    if (this.#refused.has(name.text)) {
      throw new AccessDeniedError('the HSM refused this key; check its policy');
    }
    try {
      return await super.use(name, algorithm);
    } catch (error) {
      if (error instanceof HsmError && error.status === 429) this.#refused.add(name.text);
      throw error;
    }
  }
}

export const STATE: readonly BlindMutant[] = [
  mutant(
    {
      name: 'an underscore in an alias is any character',
      kind: 'names and state',
      wrong:
        'aliases are looked up with LIKE: alias/pay_roll finds the key of alias/pay-roll, if that is first in the table',
      source: 'SQL LIKE instead of =',
      rule: 'exact-key-ids',
      profile: 'full',
    },
    { client: (hsm) => new LikeInSql(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.alias('alias/pay-roll', keyId);
      const call = provider.encrypt({ keyId: 'alias/pay_roll', plaintext: bytes(32) });
      return (await codeOf(call)) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'an alias that was missing once is missing for ever',
      kind: 'names and state',
      wrong: 'names that were not found are remembered, also after somebody has created them',
      source: 'negative caching without an end (RFC 2308 gives it one)',
      rule: 'current-state',
      profile: 'full',
    },
    { client: (hsm) => new RemembersMissing(hsm) },
    withKey(async (scene) => {
      const named = { ...scene, keyId: 'alias/later' };
      const before = await codeOf(encrypted(named));
      await scene.keys.alias('alias/later', scene.keyId);
      return before === 'KEY_NOT_FOUND' && (await codeOf(encrypted(named))) === before;
    }),
  ),
  mutant(
    {
      name: 'after nine rotations a key stays at version 9',
      kind: 'changes',
      wrong:
        'the newest version is the last in the order of texts, in which 10 comes before 9: later rotations change nothing',
      source: 'names of versions that are sorted as texts',
      rule: 'rotation',
      profile: 'soak',
    },
    { client: (hsm) => new SortsTexts(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await inTurn(9, () => keys.rotate(keyId));
      const made = await provider.encrypt({ keyId, plaintext: bytes(32) });
      await keys.rotate(keyId);
      const next = await provider.encrypt({ keyId, plaintext: bytes(32) });
      return made.keyVersion === next.keyVersion;
    }),
  ),
  mutant(
    {
      name: 'a removed version that was used before still opens',
      kind: 'changes',
      wrong:
        'the material of a version is kept from its first use, and its removal is noticed only after a restart',
      source: 'handles that are cached without a check',
      rule: 'outside-changes',
      profile: 'full',
    },
    { client: (hsm) => new KeepsHandles(hsm) },
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
      name: 'reEncrypt still uses a source key that is pending deletion',
      kind: 'names and state',
      wrong: 'a key that is pending deletion opens ciphertexts if they are moved to another key',
      source: 'a well-meant exception, to save what the key wrapped',
      rule: 'key-life',
      profile: 'quick',
    },
    { client: (hsm) => new SavesDying(hsm) },
    withKey(async (scene) => {
      const { provider, keys, keyId } = scene;
      const ciphertext = await encrypted(scene);
      const next = await keys.create(SYMMETRIC);
      await keys.scheduleDeletion(keyId);
      const call = provider.reEncrypt({ ciphertext, source: { keyId }, destination: next });
      return (await codeOf(call)) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'reEncrypt under the same key returns the old ciphertext',
      kind: 'changes',
      wrong:
        'nothing is done if key and context stay the same: the ciphertext is not verified, and a rotation never reaches it',
      source: 'a short cut for what looks like no change',
      rule: 'rotation',
      profile: 'full',
    },
    { client: (hsm) => new SkipsSameTarget(hsm) },
    withKey(async (scene) => {
      const { provider, keys, keyId } = scene;
      const old = await encrypted(scene);
      await keys.rotate(keyId);
      const side = { source: { keyId }, destination: { keyId } };
      const { ciphertext } = await provider.reEncrypt({ ciphertext: old, ...side });
      await keys.removeOldVersions(keyId);
      return (await codeOf(decrypted(scene, ciphertext))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'each third use of a moved alias finds the old key',
      kind: 'names and state',
      wrong:
        'every third alias is read from a replica that is up to 25 reads behind, so that new data is encrypted under the key that the alias has left',
      source: 'reads from a replica; AWS KMS itself is eventually consistent',
      rule: 'current-state',
      profile: 'full',
    },
    { client: (hsm) => new ReadsReplica(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      const name = 'alias/moved';
      const next = await keys.create(SYMMETRIC);
      await keys.alias(name, keyId);
      await provider.encrypt({ keyId: name, plaintext: bytes(32) });
      await keys.moveAlias(name, next.keyId);
      const used = await inTurn(3, () => provider.encrypt({ keyId: name, plaintext: bytes(32) }));
      return used.some((each) => each.keyId === keyId);
    }),
  ),
  mutant(
    {
      name: 'a key that was throttled once is denied for ever',
      kind: 'outages',
      wrong:
        'one answer of too many requests is remembered for the name of the key as a denial: after the outage each call is told to check the policy',
      source: 'cdk-real-drift issue 789: a transient failure cached as a denial',
      rule: 'outages',
      profile: 'full',
    },
    { client: (hsm) => new RemembersThrottling(hsm) },
    withKey(async (scene) => {
      await scene.fail('throttled');
      const during = await codeOf(encrypted(scene));
      await scene.fail(undefined);
      return during === 'THROTTLED' && (await codeOf(encrypted(scene))) !== 'ok';
    }),
  ),
];
