export type { EngineChoice } from './cipher/engines/index.js';
export type { KeyStore } from './keys/store.js';
export type { LocalKey, LocalKeyWrapOptions } from './options.js';
export type { ExportFormat, ExportKeyMaterialInput } from './parse-input.js';
export { LocalKeyWrapProvider } from './provider.js';
export { localScheme } from './scheme.js';
export { MemoryKeyStore } from './store/memory-key-store.js';
