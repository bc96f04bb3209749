// For programs that use the keys of a store without a provider around them, such as a server that checks
// its requests itself.
export { type BlobHeader, decodeBlob } from './blob.js';
export { type CryptoEngine, type EncodedKeyPair, selectEngine } from './engines/index.js';
export { makeMaterial, readMaterial } from './new-material.js';
