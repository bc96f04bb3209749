import { randomBytes } from 'node:crypto';
import { type KMS, KMSServiceException } from '@aws-sdk/client-kms';
import { wrap } from '../../../../packages/kms-server/dist-test/import-material.js';

/** A key whose creation a server has acknowledged. */
interface Key {
  readonly arn: string;
  readonly isExternal: boolean;
  /** The number of rotations on demand that were requested, and of those acknowledged. */
  rotationsAsked: number;
  rotations: number;
  readonly tags: string[];
  /** For an EXTERNAL key: the material made for it, and the ids of acknowledged imports. */
  readonly materials: Uint8Array[];
  readonly materialIds: string[];
  /** Imports take several requests, so one worker at a time makes them. */
  isImporting: boolean;
}

/**
 * Works on servers at random with the AWS SDK, and records what they acknowledge. It only adds, so
 * that a step whose response never arrived can't undo an acknowledged one.
 */
export class Load {
  readonly #keys: Key[] = [];
  readonly #aliases = new Map<string, string>();
  readonly #deleted = new Set<string>();
  readonly #blobs: { readonly ciphertext: Uint8Array; readonly plaintext: Uint8Array }[] = [];
  #count = 0;

  /** The number of acknowledged changes. */
  get size() {
    const [keys, aliases, ciphertexts] = [this.#keys, this.#aliases, this.#blobs];
    return { keys: keys.length, aliases: aliases.size, ciphertexts: ciphertexts.length };
  }

  /** Takes one step. @throws the SDK's error if the server was killed meanwhile. */
  async step(kms: KMS): Promise<void> {
    const key = this.#keys[Math.floor(Math.random() * this.#keys.length)];
    const dice = Math.random();
    if (key === undefined || dice < 0.1) return this.#create(kms, dice < 0.03);
    if (key.isExternal && key.materialIds.length < 2) return this.#import(kms, key);
    if (dice < 0.3) return this.#addAlias(kms, key);
    if (dice < 0.35) return this.#deleteAlias(kms);
    if (dice < 0.45) return this.#tag(kms, key);
    if (dice < 0.6) return this.#rotate(kms, key);
    return this.#encrypt(kms, key);
  }

  /** Returns the acknowledged changes that a server does not have, if any. */
  async missingFrom(kms: KMS): Promise<string[]> {
    const missing: string[] = [];
    const expectSame = async (what: string, wanted: unknown, found: Promise<unknown>) => {
      const value = await found.catch((error) => `${error}`);
      if (value !== wanted) missing.push(`${what}: ${value}`);
    };
    for (const key of this.#keys) {
      const problem = problemOf(key, kms).catch((error) => `${error}`);
      await expectSame(`key ${key.arn}`, undefined, problem);
    }
    for (const [KeyId, arn] of this.#aliases) {
      const found = kms.describeKey({ KeyId }).then(({ KeyMetadata }) => KeyMetadata?.Arn);
      await expectSame(KeyId, arn, found);
    }
    for (const KeyId of this.#deleted) {
      const found = kms.describeKey({ KeyId }).catch(({ name }) => name);
      await expectSame(`deleted ${KeyId}`, 'NotFoundException', found);
    }
    for (const { ciphertext, plaintext } of this.#blobs) {
      const opened = kms.decrypt({ CiphertextBlob: ciphertext });
      const found = opened.then(({ Plaintext = new Uint8Array() }) => toHex(Plaintext));
      await expectSame('a ciphertext', toHex(plaintext), found);
    }
    return missing;
  }

  async #create(kms: KMS, isExternal: boolean): Promise<void> {
    const { KeyMetadata } = await kms.createKey({ Origin: isExternal ? 'EXTERNAL' : 'AWS_KMS' });
    const arn = KeyMetadata?.Arn as string;
    const counts = { rotationsAsked: 0, rotations: 0, isImporting: false };
    this.#keys.push({ arn, isExternal, ...counts, tags: [], materials: [], materialIds: [] });
  }

  async #addAlias(kms: KMS, { arn }: Key): Promise<void> {
    const AliasName = `alias/n${this.#count++}`;
    await kms.createAlias({ AliasName, TargetKeyId: arn }).catch(unlessFull);
    // KMS reports the limit of 50 per key: then none is made.
    const { Aliases } = await kms.listAliases({ KeyId: arn, Limit: 100 });
    if (Aliases?.some((alias) => alias.AliasName === AliasName)) this.#aliases.set(AliasName, arn);
  }

  async #deleteAlias(kms: KMS): Promise<void> {
    const [AliasName] = this.#aliases.keys();
    if (AliasName === undefined) return;
    this.#aliases.delete(AliasName);
    await kms.deleteAlias({ AliasName });
    this.#deleted.add(AliasName);
  }

  async #tag(kms: KMS, key: Key): Promise<void> {
    const TagKey = `n${key.tags.length}`;
    await kms.tagResource({ KeyId: key.arn, Tags: [{ TagKey, TagValue: '' }] });
    key.tags.push(TagKey);
  }

  async #rotate(kms: KMS, key: Key): Promise<void> {
    if (key.isExternal || key.rotationsAsked >= 25) return;
    key.rotationsAsked++;
    await kms.rotateKeyOnDemand({ KeyId: key.arn });
    key.rotations++;
  }

  /** The first material, then one that is pending rotation. The same material may be imported again. */
  async #import(kms: KMS, key: Key): Promise<void> {
    if (key.isImporting) return;
    key.isImporting = true;
    try {
      const material = key.materials[key.materialIds.length] ?? randomBytes(32);
      key.materials[key.materialIds.length] = material;
      const { KeyMaterialId } = await kms.importKeyMaterial({
        KeyId: key.arn,
        ...(await wrap(kms, key.arn, material)),
        ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
        ...(key.materialIds.length > 0 && { ImportType: 'NEW_KEY_MATERIAL' }),
      });
      key.materialIds.push(KeyMaterialId as string);
    } finally {
      key.isImporting = false;
    }
  }

  async #encrypt(kms: KMS, { arn }: Key): Promise<void> {
    const plaintext = randomBytes(16);
    const { CiphertextBlob } = await kms.encrypt({ KeyId: arn, Plaintext: plaintext });
    this.#blobs.push({ ciphertext: CiphertextBlob as Uint8Array, plaintext });
  }
}

async function problemOf(key: Key, kms: KMS): Promise<string | undefined> {
  const { KeyMetadata } = await kms.describeKey({ KeyId: key.arn });
  const isUsable = KeyMetadata?.KeyState === 'Enabled';
  if (!isUsable && (!key.isExternal || key.materialIds.length > 0)) {
    return `its state is ${KeyMetadata?.KeyState}`;
  }
  const { Rotations = [] } = await kms.listKeyRotations({
    KeyId: key.arn,
    IncludeKeyMaterial: 'ALL_KEY_MATERIAL',
  });
  const ids = new Set(Rotations.map(({ KeyMaterialId }) => KeyMaterialId));
  if (key.materialIds.some((id) => !ids.has(id))) return 'imported material is not there';
  if (Rotations.length < (key.isExternal ? 0 : 1) + key.rotations) return 'rotations are not there';
  const { Tags = [] } = await kms.listResourceTags({ KeyId: key.arn });
  const tags = new Set(Tags.map(({ TagKey }) => TagKey));
  return key.tags.every((tag) => tags.has(tag)) ? undefined : 'tags are not there';
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function unlessFull(error: unknown): void {
  const isFull = error instanceof KMSServiceException && error.name === 'LimitExceededException';
  if (!isFull) throw error;
}
