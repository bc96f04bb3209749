export { withDataKeyCache } from './data-key-cache.js';
export type { CacheLookup, DataKeyCacheLimits, DataKeyCacheOptions } from './limits.js';
