export type { OpenedHeader } from './authenticate-header.js';
export type { AlgorithmSuiteName } from './format/algorithm-suite.js';
export type {
  ProviderKey,
  RawRsaName,
  RawRsaPublicKey,
  TrustedKey,
  WrappingKey,
} from './keys/wrapping-key.js';
export { OpenedMessage, open } from './open.js';
export type { CommitmentPolicy, OpenOptions } from './open-options.js';
export {
  type MessageKeyName,
  parseMessageHeader,
  type UnverifiedHeader,
} from './parse-message-header.js';
export { seal } from './seal.js';
export { sealForPublicKey } from './seal-for-public-key.js';
export type { SealingOptions, SealOptions } from './seal-options.js';
export { openJson, openText, sealJson, sealText } from './text/text.js';
