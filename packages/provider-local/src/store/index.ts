export type { AuditLogReport } from '../audit/audit-verify.js';
export type { StoreContents } from './create-store.js';
export { DamagedStoreError } from './errors.js';
export type { ScryptCost } from './protection/passphrase.js';
export { type PassphraseSource, passphraseFrom } from './protection/passphrase-source.js';
export type { StoreProtection } from './protection/protection.js';
export { SqlKeyStore, type SqlKeyStoreOptions } from './sql-key-store.js';
export type { OnProgress, StoreReport } from './verify.js';
