import type { KeySpec, KeyUsage } from './key-spec.js';
import type { CallOptions, KeyDescription, KeyInput } from './provider.js';

/** A new key. */
export interface CreateKeyInput {
  /** By default `SYMMETRIC_DEFAULT`. */
  readonly keySpec?: KeySpec | undefined;
  /** By default encryption for symmetric and RSA keys, signatures for ECC, MACs for HMAC. */
  readonly keyUsage?: KeyUsage | undefined;
  /**
   * `AWS_KMS`, the default, makes the key material at once; a key of `EXTERNAL` origin is in the state
   * `PendingImport` until it is imported.
   */
  readonly origin?: 'AWS_KMS' | 'EXTERNAL' | undefined;
  /** At most 8192 characters. Not secret. */
  readonly description?: string | undefined;
  /** An alias to create with it: `alias/<name>`. */
  readonly alias?: string | undefined;
}

/** Key material for a key of `EXTERNAL` origin. */
export interface ImportKeyMaterialInput extends KeyInput {
  /**
   * 32 bytes for a symmetric key; from the length of the hash to 128 bytes for HMAC. For an asymmetric key, any format
   * that the provider supports: at least the DER of PKCS#8.
   */
  readonly keyMaterial: Uint8Array | string;
  /** The passphrase of encrypted key material. */
  readonly passphrase?: string | undefined;
}

/** A key to delete. */
export interface ScheduleKeyDeletionInput extends KeyInput {
  /** The days until the deletion, 7 to 30, by default 30. It can be cancelled until then. */
  readonly pendingWindowInDays?: number | undefined;
}

/** A name for a key. */
export interface AliasInput extends KeyInput {
  /** `alias/<name>`; at most 256 characters; `alias/aws/` is reserved. */
  readonly alias: string;
}

/** An alias, and the ARN of the key that it points to. */
export interface AliasDescription {
  readonly alias: string;
  readonly aliasArn: string;
  readonly keyId: string;
}

/**
 * Makes, changes and deletes keys. Optional for providers: services wrap data keys, while people or deployment
 * tools manage the keys that wrap them.
 *
 * Every method rejects with a `KeyWrapError`: with `InvalidInputError` when the input is wrong,
 * `KeyNotFoundError` when there is no such key or alias, and `KeyStateError` when the key's state does
 * not allow it.
 *
 * @example
 * ```ts
 * import type { KeyManager } from '@keywrap/core';
 *
 * async function addOrdersKey(keys: KeyManager): Promise<string> {
 *   const { keyId } = await keys.createKey({ alias: 'alias/orders' });
 *   return keyId;
 * }
 * ```
 */
export interface KeyManager {
  createKey(input?: CreateKeyInput, options?: CallOptions): Promise<KeyDescription>;
  /** Imports the key material of a key of `EXTERNAL` origin, and enables it. */
  importKeyMaterial(input: ImportKeyMaterialInput, options?: CallOptions): Promise<KeyDescription>;
  enableKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription>;
  disableKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription>;
  /** Makes a new key version of a symmetric key for new ciphertexts; old ones still decrypt, the ARN stays. */
  rotateKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription>;
  scheduleKeyDeletion(
    input: ScheduleKeyDeletionInput,
    options?: CallOptions,
  ): Promise<KeyDescription>;
  /** Cancels a deletion. The key is disabled afterwards, as in AWS KMS. */
  cancelKeyDeletion(input: KeyInput, options?: CallOptions): Promise<KeyDescription>;
  createAlias(input: AliasInput, options?: CallOptions): Promise<AliasDescription>;
  /** Points an existing alias to another key of the same kind and usage. */
  updateAlias(input: AliasInput, options?: CallOptions): Promise<AliasDescription>;
  deleteAlias(input: { readonly alias: string }, options?: CallOptions): Promise<void>;
  listKeys(options?: CallOptions): Promise<readonly KeyDescription[]>;
  listAliases(options?: CallOptions): Promise<readonly AliasDescription[]>;
}
