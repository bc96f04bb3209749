export { completeDriver } from './driver/complete-driver.js';
export * from './driver/driver.js';
export type { Lifetime } from './driver/lifetime.js';
export type * from './driver/requests.js';
export * from './driver/usable-key.js';
export * from './layers/around-each.js';
export * from './layers/audit.js';
export * from './layers/guard-keys.js';
export * from './layers/trusted-keys.js';
export * from './layers/with-layer.js';
export * from './legacy/abstract-provider.js';
export { readKeyInput } from './legacy/read-input.js';
export { readGrantTokens } from './legacy/read-options.js';
export type {
  CallContext,
  GenerateDataKeyOutput,
  GenerateDataKeyPairRequest,
  GenerateDataKeyRequest,
  LegacyDecryptRequest,
  LegacyEncryptRequest,
  LegacyReEncryptRequest,
} from './legacy/requests.js';
export { copyBytes, newSecret, ownSecret, wipe } from './provider/bytes.js';
export * from './provider/encryption-context.js';
export * from './provider/errors.js';
export * from './provider/key-id.js';
export type * from './provider/key-manager.js';
export * from './provider/key-spec.js';
export { ownField, ownFields } from './provider/own-fields.js';
export type * from './provider/provider.js';
export { readBytes, readFields } from './provider/read-fields.js';
export * from './provider/secrets.js';
export * from './provider/token.js';
export { createProvider, DriverProvider } from './runtime/driver-provider.js';
export type { Operation } from './runtime/operations.js';
export { NO_OPTIONS, parseGrantTokens } from './runtime/parse-call.js';
export { parseKeyInput } from './runtime/parse-input.js';
export * from './tools/open.js';
export * from './tools/re-encrypt-across.js';
export * from './tools/seal-with-public-key.js';
