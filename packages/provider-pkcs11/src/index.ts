export type { Pkcs11KeyWrapProviderOptions, Pkcs11Module, TokenName } from './options.js';
export { Pkcs11KeyWrapProvider } from './provider.js';
export { pkcs11Scheme } from './scheme.js';
