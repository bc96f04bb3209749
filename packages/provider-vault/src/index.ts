export type { AppRole, KubernetesRole, VaultKeyWrapProviderOptions } from './options.js';
export { VaultKeyWrapProvider } from './provider.js';
export { vaultScheme } from './scheme.js';
