export { withDataKeyCache } from './data-key-cache.js';
export type { DataKeyCacheLimits, DataKeyCacheOptions } from './limits.js';
