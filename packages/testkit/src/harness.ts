import type { KeySpec, KeyUsage, KeyWrapProvider } from '@keywrap/core';
import type { DataKeyCacheLimits } from '@keywrap/core/data-key-cache';

/**
 * What the suite needs to judge a provider: its name, and a way to open it.
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
  /** How reports name the provider. */
  readonly name: string;
  /**
   * Opens a provider. The suite opens one for nearly all its cases, so that costly keys are made once,
   * and a further one for each case that closes it. They may share a backend or not.
   */
  open(): Promise<ConformanceSubject>;
}

/** A provider under test, and the means to put its keys into the states that the rules are about. */
export interface ConformanceSubject {
  readonly provider: KeyWrapProvider;
  readonly keys: ConformanceKeys;
  /**
   * Puts a data-key cache in front of a provider: `withDataKeyCache`, or one of your own. Without it the
   * cases about caches are not applicable.
   *
   * @param now The clock to go by, in milliseconds.
   */
  cache?(
    provider: KeyWrapProvider,
    limits: DataKeyCacheLimits,
    options: { readonly now: () => number },
  ): KeyWrapProvider;
  /** Lets go of what `provider.close()` does not. Called after it. */
  close?(): Promise<void>;
}

/** What kind of key the suite asks for. */
export interface ConformanceKeyRequest {
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  /** With `EXTERNAL` the key must wait for its key material, in the state `PendingImport`. */
  readonly origin?: 'EXTERNAL' | undefined;
}

/**
 * How the suite gets its keys. Only `create` is needed; a case that needs a method which is not there
 * is not applicable, and the report says so.
 */
export interface ConformanceKeys {
  /**
   * Makes a key, enabled, and gives its ARN. Rejects with `UnsupportedOperationError` when there are no
   * keys of that kind: the cases about them are then not applicable.
   */
  create(request: ConformanceKeyRequest): Promise<{ readonly keyId: string }>;
  /** Makes an alias, `alias/<name>`, for a key. */
  alias?(alias: string, keyArn: string): Promise<unknown>;
  disable?(keyArn: string): Promise<unknown>;
  enable?(keyArn: string): Promise<unknown>;
  scheduleDeletion?(keyArn: string): Promise<unknown>;
  /** Makes new key material for a symmetric key. */
  rotate?(keyArn: string): Promise<unknown>;
}
