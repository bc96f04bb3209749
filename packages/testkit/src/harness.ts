import type { AsymmetricAlgorithm, KeySpec, KeyUsage, KeyWrapProvider } from '@keywrap/core';
import type { DataKeyCacheLimits } from '@keywrap/core/data-key-cache';

/**
 * Opens a provider for the suite.
 *
 * @example
 * ```ts
 * import type { KeyManager, KeyWrapProvider } from '@keywrap/core';
 * import { type ConformanceHarness, keysOf } from '@keywrap/testkit';
 *
 * declare function openMine(): KeyWrapProvider & KeyManager;
 *
 * export const harness: ConformanceHarness = {
 *   name: 'my-hsm',
 *   async open() {
 *     const provider = openMine();
 *     return { provider, keys: keysOf(provider) };
 *   },
 * };
 * ```
 */
export interface ConformanceHarness {
  /** The name of the provider in reports. */
  readonly name: string;
  /**
   * Opens a new provider. Most cases share one, so that expensive keys are made once; each case that closes a
   * provider opens another. They may share a backend.
   */
  open(): Promise<ConformanceSubject>;
}

/** A provider under test, and functions that make its keys and change their states. */
export interface ConformanceSubject {
  readonly provider: KeyWrapProvider;
  readonly keys: ConformanceKeys;
  /**
   * Wraps a provider in a data-key cache: `withDataKeyCache`, or your own. Without it, the cases about caches
   * are not applicable.
   *
   * @param now The clock, in milliseconds.
   */
  cache?(
    provider: KeyWrapProvider,
    limits: DataKeyCacheLimits,
    options: { readonly now: () => number },
  ): KeyWrapProvider;
  /**
   * Opens another provider over the same keys, as after a restart; this one may still be open. The suite closes
   * both.
   */
  reopen?(): Promise<KeyWrapProvider>;
  /**
   * Breaks the backend for every key and call, until it is called with `undefined`. What a provider does without the
   * backend still succeeds: it may describe a key, or encrypt with a public key. Rejects a kind of outage that
   * the backend does not have with `UnsupportedOperationError`: the cases about it are then not applicable.
   */
  fail?(outage: Outage | undefined): unknown;
  /** Releases what `provider.close()` does not. Called after it. */
  close?(): Promise<void>;
}

/**
 * What a broken backend does: it rejects each request as too many, or as not allowed, gives no response, or responds
 * that it failed.
 */
export type Outage = 'throttled' | 'denied' | 'unavailable' | 'failed';

/** The kind of key to make. */
export interface ConformanceKeyRequest {
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  /** With `EXTERNAL`, the key must be pending import, in the state `PendingImport`. */
  readonly origin?: 'EXTERNAL' | undefined;
  /** The algorithm of an RSA key that encrypts; given only if `capabilities.oneAlgorithmPerKey` is true. */
  readonly algorithm?: AsymmetricAlgorithm | undefined;
}

/**
 * Makes and changes keys for the suite. Only `create` is required; cases that need a missing method are not
 * applicable, and the report says so.
 */
export interface ConformanceKeys {
  /**
   * Makes an enabled key, and returns its ARN. Rejects an unsupported kind of key with
   * `UnsupportedOperationError`: the cases about it are then not applicable.
   */
  create(request: ConformanceKeyRequest): Promise<{ readonly keyId: string }>;
  /** Makes an alias, `alias/<name>`, for a key. */
  alias?(alias: string, keyArn: string): Promise<unknown>;
  disable?(keyArn: string): Promise<unknown>;
  enable?(keyArn: string): Promise<unknown>;
  scheduleDeletion?(keyArn: string): Promise<unknown>;
  /** Takes a scheduled deletion back. The key is disabled afterwards. */
  cancelDeletion?(keyArn: string): Promise<unknown>;
  /** Makes a key decrypt only: its state is `DecryptOnly`. */
  restrictToDecrypt?(keyArn: string): Promise<unknown>;
  /** Makes a new key version. Rejects an RSA key with `UnsupportedOperationError` where these do not rotate. */
  rotate?(keyArn: string): Promise<unknown>;
  /** Points an existing alias at another key. */
  moveAlias?(alias: string, keyArn: string): Promise<unknown>;
  /** Deletes a key for good, at once. */
  destroy?(keyArn: string): Promise<unknown>;
  // What an administrator does to the backend without the provider.
  /** Removes the key versions that rotation replaced; the current one stays. */
  removeOldVersions?(keyArn: string): Promise<unknown>;
  /** Deletes a key in a way that can be undone. */
  deleteSoftly?(keyArn: string): Promise<unknown>;
  /** Makes a key of a type that the provider cannot encrypt with, and returns its ARN. */
  createForeign?(): Promise<{ readonly keyId: string }>;
  /**
   * Takes from the provider's credentials the right to use a key, or the right to describe it. Rejects a right that the
   * backend does not know with `UnsupportedOperationError`: the cases about it are then not applicable. So does a backend
   * with one right for the description of an RSA key and for its public key, if the key is RSA.
   */
  deny?(keyArn: string, right: Right): Promise<unknown>;
}

/** What an administrator may forbid: use of a key, public keys aside, or reading its description. */
export type Right = 'use' | 'describe';
