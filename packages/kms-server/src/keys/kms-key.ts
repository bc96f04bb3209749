import type { KeyRecord, MaterialVersion } from '@keywrap/provider-local/old-keys';

/** What KMS keeps of one generation of key material beside the material. */
export interface MaterialDetails {
  /** KMS's id of the material: 64 hexadecimal digits. */
  readonly id: string;
  /** Counted from 1, as in the ciphertexts that it makes. */
  readonly version: number;
  /** When and why it took over from the one before it; not set for the first. */
  readonly rotation?: { readonly date: Date; readonly type: 'AUTOMATIC' | 'ON_DEMAND' } | undefined;
  /** Of imported material. */
  readonly description?: string | undefined;
  /** When imported material expires; not set where it does not. */
  readonly validTo?: Date | undefined;
}

/** Key material that is here. */
export type Material = MaterialVersion & MaterialDetails;

/** A tag of a key, as KMS spells it. */
export interface Tag {
  readonly TagKey: string;
  readonly TagValue: string;
}

/** When an alias was made and last changed. */
export interface AliasDates {
  readonly created: Date;
  readonly updated: Date;
}

/**
 * A key of the server: the record that provider-local works with, and what KMS keeps beside it.
 * provider-local's transitions carry it along; stored-key.ts says how a store keeps it.
 */
export interface KmsKey extends Omit<KeyRecord, 'details'> {
  readonly materials: readonly Material[];
  /** Imported material that was deleted or has expired: it may come back, and nothing else in its place. */
  readonly missing: readonly MaterialDetails[];
  /** Imported material that waits for RotateKeyOnDemand. */
  readonly pendingMaterial?: Material | undefined;
  readonly multiRegion: boolean;
  readonly tags: readonly Tag[];
  /** The key policy, as it was put. */
  readonly policy: string;
  /** Set while automatic rotation is enabled. */
  readonly automaticRotation?:
    | { readonly periodInDays: number; readonly nextDate: Date }
    | undefined;
  /** The dates of its aliases, by name; which aliases there are, the store knows. */
  readonly aliasDates: Readonly<Record<string, AliasDates>>;
}

/** What a new key has not got yet. Said all the same, so that a polluted Object.prototype lends none of it. */
export const UNSET = {
  deletionDate: undefined,
  pendingMaterial: undefined,
  automaticRotation: undefined,
} as const satisfies Partial<KmsKey>;

/** Whether this is a symmetric encryption key: the only kind that rotates, and that wraps data keys. */
export function isSymmetric({ keySpec }: Pick<KmsKey, 'keySpec'>): boolean {
  return keySpec === 'SYMMETRIC_DEFAULT';
}

/** All generations of material that the key ever had in use, the oldest first. */
export function materialHistory({ materials, missing }: KmsKey): readonly MaterialDetails[] {
  return [...materials, ...missing].sort((a, b) => a.version - b.version);
}

/** The generation that encrypts, or would if it were here; none before the first import. */
export function currentMaterial(key: KmsKey): MaterialDetails | undefined {
  return key.missing.length === 0 ? key.materials.at(-1) : materialHistory(key).at(-1);
}
