import { ownFields, wipe } from '@keywrap/core';
import type { SqlKeyStoreOptions } from './parse-store-options.js';
import { type PassphraseSource, passphraseFrom } from './protection/passphrase-source.js';
import { SqlKeyStore } from './sql-key-store.js';

/** A store and the source of its passphrase, as URLs and command lines name them. */
export interface PassphraseStoreOptions extends Omit<SqlKeyStoreOptions, 'protectedBy' | 'scrypt'> {
  readonly passphrase: PassphraseSource;
}

/**
 * Opens a store with a passphrase from a file or an environment variable.
 *
 * @throws as {@link passphraseFrom} and {@link SqlKeyStore.open}.
 *
 * @example
 * ```ts
 * import { openWithPassphrase } from '@keywrap/provider-local/store';
 *
 * await using store = await openWithPassphrase({
 *   location: '/var/lib/orders/keys.db',
 *   passphrase: { file: '/run/secrets/keywrap' },
 *   create: true,
 * });
 * ```
 */
export async function openWithPassphrase(given: PassphraseStoreOptions): Promise<SqlKeyStore> {
  const { passphrase: source, ...options } = ownFields(given);
  const passphrase = await passphraseFrom(source);
  try {
    return await SqlKeyStore.open({ ...options, protectedBy: { passphrase } });
  } finally {
    if (typeof passphrase !== 'string') wipe(passphrase);
  }
}
