export { DamagedStoreError } from './errors.js';
export * from './sql-key-store.js';
