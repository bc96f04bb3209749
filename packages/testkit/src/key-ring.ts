import {
  type AsymmetricAlgorithm,
  type EncryptionAlgorithm,
  isAsymmetricAlgorithm,
  isRsaKeySpec,
  type KeySpec,
  type KeyUsage,
  type KeyWrapProvider,
  type RsaKeySpec,
} from '@keywrap/core';
import { HarnessError } from './failure.js';
import type { ConformanceKeyRequest, ConformanceKeys, Right } from './harness.js';

/**
 * The short name of a kind of key: `RSA_2048` encrypts, `RSA_2048/SIGN_VERIFY` signs, and
 * `SYMMETRIC_DEFAULT/EXTERNAL` is pending import. `RSA_2048/RSAES_OAEP_SHA_1` encrypts with that algorithm, and with
 * no other if each key has one.
 */
export type KeyKind =
  | KeySpec
  | `${KeySpec}/${KeyUsage}`
  | `${KeySpec}/EXTERNAL`
  | `${RsaKeySpec}/${AsymmetricAlgorithm}`;

/** A key state that forbids use. */
export type UnusableState = 'Disabled' | 'PendingDeletion' | 'PendingImport';

/** The kinds of key that make ciphertexts. */
export type SealingKind = 'SYMMETRIC_DEFAULT' | 'RSA_2048';

/** A key, and a ciphertext that it made while it was enabled. */
export interface SealedKey {
  readonly keyId: string;
  readonly ciphertext: Uint8Array;
}

/**
 * Makes the keys of one provider under test. Making a key can be slow, so keys that no case changes are made once,
 * on first use, and shared.
 */
export class KeyRing {
  readonly #keys: ConformanceKeys;
  readonly #provider: KeyWrapProvider;
  readonly #shared = new Map<string, Promise<unknown>>();
  readonly #created = new Set<string>();

  constructor(keys: ConformanceKeys, provider: KeyWrapProvider) {
    this.#keys = keys;
    this.#provider = provider;
  }

  /** Returns the ARN of a shared key; each `index` is another key of the same kind. */
  get(kind: KeyKind = 'SYMMETRIC_DEFAULT', index = 0): Promise<string> {
    const { keySpec, keyUsage, origin, algorithm } = this.#requestFor(kind);
    const name = [keySpec, keyUsage, origin, algorithm, index].join(' ');
    return this.#once(name, () => this.create(kind));
  }

  /** Returns the ARN of a new key, which the case may change. */
  async create(kind: KeyKind = 'SYMMETRIC_DEFAULT'): Promise<string> {
    const request = this.#requestFor(kind);
    try {
      const { keyId } = await this.#keys.create(request);
      this.#created.add(keyId);
      return keyId;
    } catch (error) {
      if (isUnsupported(error)) throw error;
      throw new HarnessError(`keys.create(${JSON.stringify(request)}) of the harness`, error);
    }
  }

  /** The ARNs of all keys that were made, except those that are pending deletion. */
  get created(): readonly string[] {
    return [...this.#created];
  }

  /** Schedules the deletion of keys, if the harness can, a few at a time. Failures are ignored. */
  async deleteKeys(keyArns: readonly string[]): Promise<void> {
    if (!this.can('scheduleDeletion')) return;
    const left = [...keyArns];
    const work = async () => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        await this.scheduleDeletion(key).catch(() => {});
      }
    };
    await Promise.all(Array.from({ length: 4 }, work));
  }

  /** Returns a shared key with a ciphertext that it made. */
  sealed(kind: SealingKind, index = 0): Promise<SealedKey> {
    return this.#once(`sealed ${kind} ${index}`, async () =>
      this.#seal(await this.get(kind, index), kind),
    );
  }

  /** Returns a shared key whose state forbids use, with an earlier ciphertext. */
  unusable(kind: SealingKind, state: UnusableState): Promise<SealedKey> {
    return this.#once(`${state} ${kind}`, async () => {
      if (state === 'PendingImport') {
        // The key never made a ciphertext: use another key's.
        const { ciphertext } = await this.sealed(kind);
        return { keyId: await this.create(`${kind}/EXTERNAL`), ciphertext };
      }
      const key = await this.#seal(await this.create(kind), kind);
      await (state === 'Disabled' ? this.disable(key.keyId) : this.scheduleDeletion(key.keyId));
      return key;
    });
  }

  /** Returns the RSA algorithm that wraps data keys, or else the first that the provider declares. */
  get rsaAlgorithm(): AsymmetricAlgorithm {
    const { algorithms, dataKeyAlgorithm = 'SYMMETRIC_DEFAULT' } = this.#provider.capabilities;
    const algorithm = [dataKeyAlgorithm, ...algorithms].find(isAsymmetricAlgorithm);
    if (algorithm === undefined) throw new Error('the provider declares no RSA algorithm');
    return algorithm;
  }

  async alias(alias: string, keyArn: string): Promise<void> {
    await this.#keys.alias?.(alias, keyArn);
  }

  async disable(keyArn: string): Promise<void> {
    await this.#keys.disable?.(keyArn);
  }

  async enable(keyArn: string): Promise<void> {
    await this.#keys.enable?.(keyArn);
  }

  async scheduleDeletion(keyArn: string): Promise<void> {
    await this.#keys.scheduleDeletion?.(keyArn);
    this.#created.delete(keyArn);
  }

  async cancelDeletion(keyArn: string): Promise<void> {
    await this.#keys.cancelDeletion?.(keyArn);
    this.#created.add(keyArn);
  }

  async restrictToDecrypt(keyArn: string): Promise<void> {
    await this.#keys.restrictToDecrypt?.(keyArn);
  }

  async rotate(keyArn: string): Promise<void> {
    await this.#keys.rotate?.(keyArn);
  }

  async moveAlias(alias: string, keyArn: string): Promise<void> {
    await this.#keys.moveAlias?.(alias, keyArn);
  }

  async destroy(keyArn: string): Promise<void> {
    await this.#keys.destroy?.(keyArn);
  }

  async removeOldVersions(keyArn: string): Promise<void> {
    await this.#keys.removeOldVersions?.(keyArn);
  }

  async deleteSoftly(keyArn: string): Promise<void> {
    await this.#keys.deleteSoftly?.(keyArn);
  }

  /** Returns the ARN of a key that the provider can't encrypt with. */
  async createForeign(): Promise<string> {
    const made = await this.#keys.createForeign?.();
    if (made === undefined) throw new Error('the case must need `keys.createForeign`');
    this.#created.add(made.keyId);
    return made.keyId;
  }

  async deny(keyArn: string, right: Right): Promise<void> {
    await this.#keys.deny?.(keyArn, right);
  }

  /** Returns true if the harness has this method. */
  can(method: keyof ConformanceKeys): boolean {
    return typeof this.#keys[method] === 'function';
  }

  /** Returns true if the harness makes this kind of key. The case reports any other failure. */
  async isAvailable(kind: KeyKind): Promise<boolean> {
    try {
      await this.get(kind);
      return true;
    } catch (error) {
      return !isUnsupported(error);
    }
  }

  /** Returns true if decrypt says which version of a symmetric key was used. */
  saysKeyVersion(): Promise<boolean> {
    return this.#once('says the key version', async () => {
      const opened = await this.#provider.decrypt(await this.sealed('SYMMETRIC_DEFAULT'));
      return opened.keyVersion !== undefined;
    });
  }

  /** Returns true if the harness rotates RSA keys. The case reports any failure but `UNSUPPORTED`. */
  rotatesRsa(): Promise<boolean> {
    return this.#once('rotates RSA keys', async () => {
      const keyId = await this.create('RSA_2048');
      return this.#offers(() => this.rotate(keyId));
    });
  }

  /** Returns true if the harness takes this right to a kind of key. The case reports any failure but `UNSUPPORTED`. */
  async denies(right: Right, kind: KeyKind): Promise<boolean> {
    if (!this.can('deny')) return false;
    return this.#once(`denies ${right} ${kind}`, async () => {
      const keyId = await this.create(kind);
      return this.#offers(() => this.deny(keyId, right));
    });
  }

  async #offers(change: () => Promise<void>): Promise<boolean> {
    try {
      await change();
      return true;
    } catch (error) {
      if (isUnsupported(error)) return false;
      throw error;
    }
  }

  /** Runs something once for all cases. */
  once<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.#once(`once ${name}`, work);
  }

  #once<T>(name: string, work: () => Promise<T>): Promise<T> {
    const known = this.#shared.get(name) ?? work();
    this.#shared.set(name, known);
    return known as Promise<T>;
  }

  async #seal(keyId: string, kind: KeySpec): Promise<SealedKey> {
    const plaintext = crypto.getRandomValues(new Uint8Array(32));
    const algorithm: EncryptionAlgorithm =
      kind === 'SYMMETRIC_DEFAULT' ? 'SYMMETRIC_DEFAULT' : this.rsaAlgorithm;
    const { ciphertext } = await this.#provider.encrypt({ keyId, plaintext, algorithm });
    return { keyId, ciphertext };
  }

  #requestFor(kind: KeyKind): ConformanceKeyRequest {
    const [keySpec, use = 'ENCRYPT_DECRYPT'] = kind.split('/') as [KeySpec, string | undefined];
    const algorithm = isAsymmetricAlgorithm(use) ? use : undefined;
    const isExternal = use === 'EXTERNAL';
    const encrypts = isExternal || algorithm !== undefined || use === 'ENCRYPT_DECRYPT';
    const hasOne = this.#provider.capabilities.oneAlgorithmPerKey === true;
    return {
      keySpec,
      keyUsage: encrypts ? 'ENCRYPT_DECRYPT' : (use as KeyUsage),
      ...(isExternal && { origin: 'EXTERNAL' }),
      ...(hasOne &&
        encrypts &&
        isRsaKeySpec(keySpec) && { algorithm: algorithm ?? this.rsaAlgorithm }),
    };
  }
}

/** Returns true for an error by which a harness says that it can't do something. */
export function isUnsupported(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'UNSUPPORTED';
}
