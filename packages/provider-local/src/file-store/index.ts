export { DamagedStoreError } from './errors.js';
export { FileKeyStore, type FileKeyStoreOptions } from './file-key-store.js';
export type { ScryptCost } from './passphrase.js';
export { type PassphraseSource, passphraseFrom } from './passphrase-source.js';
export type { StoreProtection } from './store-key.js';
