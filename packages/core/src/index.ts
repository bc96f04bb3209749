export { createProvider, DriverProvider, isDriverProvider } from './calls/driver-provider.js';
export type { Operation } from './calls/operations.js';
export { NO_OPTIONS, parseCall, parseGrantTokens } from './calls/parse-call.js';
export { parseKeyInput } from './calls/parse-input.js';
export { askForCredential, credentialErrorOf } from './driver/ask-for-credential.js';
export { errorOfStatus, failureOf } from './driver/classify-error.js';
export { completeDriver } from './driver/complete-driver.js';
export * from './driver/driver.js';
export { isPromise } from './driver/is-promise.js';
export type { Lifetime } from './driver/lifetime.js';
export type * from './driver/requests.js';
export { isRsaPublicKey } from './driver/rsa-public-key.js';
export * from './driver/usable-key.js';
export { within } from './driver/within.js';
export * from './layers/around-each.js';
export * from './layers/audit.js';
export * from './layers/guard-keys.js';
export * from './layers/trusted-keys.js';
export * from './layers/with-layer.js';
export { assertProvider } from './provider/assert-provider.js';
export {
  copyBytes,
  isUint8Array,
  newSecret,
  type OwnedBytes,
  ownSecret,
  wipe,
} from './provider/bytes.js';
export * from './provider/encryption-context.js';
export * from './provider/errors.js';
export * from './provider/key-id.js';
export type * from './provider/key-manager.js';
export * from './provider/key-names.js';
export * from './provider/key-spec.js';
export { limitOf } from './provider/limits.js';
export { copyDate, ownField, ownFields } from './provider/own-fields.js';
export * from './provider/platform-timers.js';
export type * from './provider/provider.js';
export { readArray, readBytes, readFields, readSafely } from './provider/read-fields.js';
export * from './provider/read-options.js';
export * from './provider/secrets.js';
export * from './provider/token.js';
export { argumentProblem } from './tools/argument-problem.js';
export * from './tools/open.js';
export * from './tools/re-encrypt-across.js';
export * from './tools/seal-with-public-key.js';
