// For programs that manage the keys of a store themselves, such as a server in front of it. Services
// that wrap keys need none of this.
export { type BlobHeader, decodeBlob } from '../blob.js';
export { type CryptoEngine, type EncodedKeyPair, selectEngine } from '../engines/index.js';
export type { KeyRecord, MaterialVersion } from './key-record.js';
export { type Awaitable, andThen, type KeyStore } from './key-store.js';
export { makeMaterial, readMaterial } from './new-key.js';
export { deletionCancelled, disabled, enabled, pendingDeletion } from './old-transitions.js';
export { readStore, type StoreSource } from './read-store.js';
