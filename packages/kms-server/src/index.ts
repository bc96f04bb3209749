export { type LogRequest, type LogStream, logJsonLines, type RequestLog } from './log.js';
export type { KmsServerOptions } from './options.js';
export type { SeedKey } from './parse-seed.js';
export { KmsError } from './protocol/kms-error.js';
export { type KmsServer, startKmsServer } from './server.js';
export type { Credentials } from './sigv4/signature.js';
