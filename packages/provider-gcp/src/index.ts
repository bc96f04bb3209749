export type { ClientOptions, GcpKeyWrapProviderOptions } from './options.js';
export { GcpKeyWrapProvider } from './provider.js';
export { gcpScheme } from './scheme.js';
