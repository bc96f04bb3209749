// For programs that manage the keys of a store themselves, such as a server in front of it. Services
// that wrap keys need none of this.
export { type BlobHeader, decodeBlob } from '../cipher/blob.js';
export { type CryptoEngine, type EncodedKeyPair, selectEngine } from '../cipher/engines/index.js';
export type { KeyRecord, MaterialVersion } from './key-record.js';
export { type Awaitable, andThen, type KeyStore } from './key-store.js';
export { MemoryKeyStore } from './memory-key-store.js';
export { makeMaterial, readMaterial } from './new-key.js';
export { deletionCancelled, disabled, enabled, pendingDeletion } from './old-transitions.js';
export { LocalKeyWrapProvider } from './provider.js';
export { readStore, type StoreSource } from './read-store.js';
