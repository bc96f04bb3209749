// For programs that use the keys of a store without a provider, such as a server that checks its requests
// itself.
export { type Blob, type BlobHeader, decodeBlob } from './cipher/blob.js';
export { type CryptoEngine, type EncodedKeyPair, selectEngine } from './cipher/engines/index.js';
export { type Decrypted, type Encrypted, KeyCipher } from './cipher/key-cipher.js';
export { openWithNonce, sealWithNonce } from './cipher/sealed.js';
export { incorrectKey, unknownKey } from './cipher/unknown-key.js';
export { makeMaterial, parseMaterial } from './new-material.js';
export { parseStore, type StoreSource } from './options.js';
