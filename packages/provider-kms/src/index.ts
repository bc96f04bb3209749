export { SdkNotLoadedError } from './clients.js';
export type { KmsConnectionOptions, KmsKeyWrapProviderOptions } from './options.js';
export { KmsKeyWrapProvider } from './provider.js';
export { kmsScheme } from './scheme.js';
