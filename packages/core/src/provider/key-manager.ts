import type { KeySpec, KeyUsage } from './key-spec.js';
import type { CallOptions, KeyDescription, KeyInput } from './provider.js';

/** A new key. */
export interface CreateKeyInput {
  /** By default `SYMMETRIC_DEFAULT`. */
  readonly keySpec?: KeySpec | undefined;
  /** By default what the kind of key is made for: RSA encrypts, ECC signs, HMAC makes MACs. */
  readonly keyUsage?: KeyUsage | undefined;
  /**
   * `AWS_KMS`, the default, makes the key material at once; a key of `EXTERNAL` origin waits for it in
   * the state `PendingImport`.
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
   * 32 bytes for a symmetric key. For an asymmetric one, what the provider reads: at least the DER of
   * PKCS#8.
   */
  readonly keyMaterial: Uint8Array | string;
  /** Opens key material that is encrypted itself. */
  readonly passphrase?: string | undefined;
}

/** A key to delete. */
export interface ScheduleKeyDeletionInput extends KeyInput {
  /** 7 to 30 days, by default 30: until then the deletion can be cancelled. */
  readonly pendingWindowInDays?: number | undefined;
}

/** A name for a key. */
export interface AliasInput extends KeyInput {
  /** `alias/<name>`; at most 256 characters; `alias/aws/` is reserved. */
  readonly alias: string;
}

/** An alias and the ARN of the key that it stands for. */
export interface AliasDescription {
  readonly alias: string;
  readonly aliasArn: string;
  readonly keyId: string;
}

/**
 * Makes, changes and deletes keys. A provider need not be one: services wrap data keys, and people or
 * deployment tools manage the keys that wrap them.
 *
 * Every method rejects with a `KeyWrapError`: with `InvalidInputError` when the call is wrong,
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
  /** Gives a key of `EXTERNAL` origin its key material and enables it. */
  importKeyMaterial(input: ImportKeyMaterialInput, options?: CallOptions): Promise<KeyDescription>;
  enableKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription>;
  disableKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription>;
  /** Makes new key material for a symmetric key: new ciphertexts use it, old ones still open, the ARN stays. */
  rotateKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription>;
  scheduleKeyDeletion(
    input: ScheduleKeyDeletionInput,
    options?: CallOptions,
  ): Promise<KeyDescription>;
  /** Leaves the key disabled, as AWS KMS does. */
  cancelKeyDeletion(input: KeyInput, options?: CallOptions): Promise<KeyDescription>;
  createAlias(input: AliasInput, options?: CallOptions): Promise<AliasDescription>;
  /** Makes an existing alias stand for another key of the same kind and use. */
  updateAlias(input: AliasInput, options?: CallOptions): Promise<AliasDescription>;
  deleteAlias(input: { readonly alias: string }, options?: CallOptions): Promise<void>;
  listKeys(options?: CallOptions): Promise<readonly KeyDescription[]>;
  listAliases(options?: CallOptions): Promise<readonly AliasDescription[]>;
}
