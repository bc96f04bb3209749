export type { CaseContext, ConformanceCase, ConformanceRule } from './case.js';
export { conformanceCases } from './cases/index.js';
export { describeConformance, type TestRunner } from './describe-conformance.js';
export { ConformanceFailure, HarnessError } from './failure.js';
export type {
  ConformanceHarness,
  ConformanceKeyRequest,
  ConformanceKeys,
  ConformanceSubject,
  Outage,
} from './harness.js';
export type { KeyKind, KeyRing } from './key-ring.js';
export { keysOf, type TestableKeyManager } from './keys-of.js';
export type { CapabilityNeed, Need } from './needs.js';
export { PROFILES, type Profile } from './profile.js';
export { formatReport } from './report/text.js';
export {
  type CaseResult,
  type ConformanceReport,
  type RunOptions,
  runConformance,
} from './run-conformance.js';
