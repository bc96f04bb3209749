export { type CircuitBreakerOptions, withCircuitBreaker } from './circuit-breaker.js';
export { withNearestReplica } from './nearest-replica.js';
export { type RetryOptions, withRetry } from './retry.js';
export {
  type MemberKey,
  SeveralKeysProvider,
  type SeveralKeysProviderOptions,
} from './several-keys/provider.js';
export { withTimeout } from './time-out.js';
