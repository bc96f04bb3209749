export type { AzureKeyWrapProviderOptions } from './options.js';
export { AzureKeyWrapProvider } from './provider.js';
export { azureScheme } from './scheme.js';
