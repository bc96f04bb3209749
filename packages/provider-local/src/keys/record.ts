import {
  type ArnScope,
  formatAliasArn,
  formatKeyArn,
  type KeyOrigin,
  type KeySpec,
  type KeyState,
  type KeyUsage,
} from '@keywrap/core';
import type { KeyMaterial } from './material.js';

// The records of a store. They are immutable, and have every field, even if it is undefined, so that none is
// inherited from a polluted Object.prototype. A change makes a new record.

/** One version of a key: one generation of its material. */
export interface KeyVersion {
  /** Counted from 1; written into every blob. */
  readonly version: number;
  /**
   * KMS's id of the material: 64 hexadecimal digits, the HMAC-SHA-256 of the key's id under the material.
   * Equal for equal material of the same key; reveals nothing about it.
   */
  readonly materialId: string;
  /** Undefined while imported material is missing: it was deleted, or has expired. */
  readonly material: KeyMaterial | undefined;
  /** DER of SubjectPublicKeyInfo, for RSA and ECC. */
  readonly publicKey: Uint8Array | undefined;
  /** When and why it replaced the previous version; undefined for the first. */
  readonly rotation: { readonly date: Date; readonly type: 'AUTOMATIC' | 'ON_DEMAND' } | undefined;
  /** The description of imported material. */
  readonly description: string | undefined;
  /** When imported material expires, if it does. */
  readonly validTo: Date | undefined;
}

/** A tag of a key. */
export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** A key, in one partition, Region and account. */
export interface KeyRecord {
  readonly scope: ArnScope;
  /** The id at the end of the ARN: 1 to 255 letters, digits, `-` and `_`. */
  readonly id: string;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly keyState: KeyState;
  readonly origin: KeyOrigin;
  readonly description: string;
  readonly creationDate: Date;
  /** Set while the key is `PendingDeletion`. */
  readonly deletionDate: Date | undefined;
  /**
   * Set while the key is `PendingReplicaDeletion`: for how many days it is pending deletion after the last of its
   * replicas is deleted.
   */
  readonly pendingWindowInDays: number | undefined;
  /** All versions that were ever in use, the newest last; empty before the first import. */
  readonly versions: readonly KeyVersion[];
  /** Imported material that is pending rotation. It neither encrypts nor decrypts yet. */
  readonly pendingVersion: KeyVersion | undefined;
  /** Set while automatic rotation is enabled. */
  readonly automaticRotation:
    | { readonly periodInDays: number; readonly nextDate: Date }
    | undefined;
  /**
   * Set for a multi-Region key: the Region of its primary, which is the key with the same id there. Those in
   * other Regions are its replicas; all have the same material.
   */
  readonly primaryRegion: string | undefined;
  readonly tags: readonly Tag[];
  /** The key policy, exactly as it was put; undefined for the default policy. */
  readonly policy: string | undefined;
}

/** An alias, in the partition, Region and account of its key. */
export interface AliasRecord {
  readonly scope: ArnScope;
  /** With its prefix: `alias/orders`. */
  readonly alias: string;
  /** The id of its key. */
  readonly keyId: string;
  readonly creationDate: Date;
  readonly lastUpdatedDate: Date;
}

/** Returns the ARN of a key. */
export function arnOf({ id, scope }: Pick<KeyRecord, 'id' | 'scope'>): string {
  return formatKeyArn(id, scope);
}

/** Returns the ARN of an alias. */
export function aliasArnOf({ alias, scope }: Pick<AliasRecord, 'alias' | 'scope'>): string {
  return formatAliasArn(alias, scope);
}

/** Returns the ARN of an alias's key. */
export function targetOf({ keyId, scope }: Pick<AliasRecord, 'keyId' | 'scope'>): string {
  return formatKeyArn(keyId, scope);
}

/** Tells whether two scopes are the same partition, Region and account. */
export function isSameScope(a: ArnScope, b: ArnScope): boolean {
  return a.region === b.region && a.account === b.account && a.partition === b.partition;
}

/** Returns the version that encrypts, or would if its material were not missing; none before the first import. */
export function newestVersion({ versions }: KeyRecord): KeyVersion | undefined {
  return versions.at(-1);
}

/** Returns all versions of a key, in use or pending. */
export function allVersions({ versions, pendingVersion }: KeyRecord): readonly KeyVersion[] {
  return pendingVersion === undefined ? versions : [...versions, pendingVersion];
}

/** Returns all material of a key, in use or pending. */
export function materialsOf(key: KeyRecord): readonly KeyMaterial[] {
  return allVersions(key).flatMap(({ material }) => material ?? []);
}
