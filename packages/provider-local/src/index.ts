export type { EngineChoice } from './engines/index.js';
export type { KeyRecord, MaterialVersion } from './keys/key-record.js';
export type { Awaitable, KeyStore } from './keys/key-store.js';
export { MemoryKeyStore } from './keys/memory-key-store.js';
export type { LocalKey, LocalKeyWrapOptions } from './options.js';
export { LocalKeyWrapProvider } from './provider.js';
export type { ExportFormat, ExportKeyMaterialInput } from './read-manager-input.js';
export { localScheme } from './scheme.js';
