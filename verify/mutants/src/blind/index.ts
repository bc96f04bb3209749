import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { type BlindMutant, opener } from './blind-mutant.js';
import { BINDING as BINDING_A } from './set-a/binding.js';
import { CONCURRENCY as CONCURRENCY_A } from './set-a/concurrency.js';
import { EXPOSURE as EXPOSURE_A } from './set-a/exposure.js';
import { RANDOMNESS as RANDOMNESS_A } from './set-a/randomness.js';
import { STATE as STATE_A } from './set-a/state.js';
import { BINDING as BINDING_B } from './set-b/binding.js';
import { CONCURRENCY as CONCURRENCY_B } from './set-b/concurrency.js';
import { EXPOSURE as EXPOSURE_B } from './set-b/exposure.js';
import { RANDOMNESS as RANDOMNESS_B } from './set-b/randomness.js';
import { STATE as STATE_B } from './set-b/state.js';
import { BINDING as BINDING_C } from './set-c/binding.js';
import { CONCURRENCY as CONCURRENCY_C } from './set-c/concurrency.js';
import { EXPOSURE as EXPOSURE_C } from './set-c/exposure.js';
import { RANDOMNESS as RANDOMNESS_C } from './set-c/randomness.js';
import { STATE as STATE_C } from './set-c/state.js';
import { BINDING as BINDING_D } from './set-d/binding.js';
import { CONCURRENCY as CONCURRENCY_D } from './set-d/concurrency.js';
import { EXPOSURE as EXPOSURE_D } from './set-d/exposure.js';
import { RANDOMNESS as RANDOMNESS_D } from './set-d/randomness.js';
import { STATE as STATE_D } from './set-d/state.js';
import { BINDING as BINDING_E } from './set-e/binding.js';
import { CONCURRENCY as CONCURRENCY_E } from './set-e/concurrency.js';
import { EXPOSURE as EXPOSURE_E } from './set-e/exposure.js';
import { RANDOMNESS as RANDOMNESS_E } from './set-e/randomness.js';
import { STATE as STATE_E } from './set-e/state.js';
import { BINDING as BINDING_F } from './set-f/binding.js';
import { CONCURRENCY as CONCURRENCY_F } from './set-f/concurrency.js';
import { EXPOSURE as EXPOSURE_F } from './set-f/exposure.js';
import { RANDOMNESS as RANDOMNESS_F } from './set-f/randomness.js';
import { STATE as STATE_F } from './set-f/state.js';
import { BINDING as BINDING_G } from './set-g/binding.js';
import { CONCURRENCY as CONCURRENCY_G } from './set-g/concurrency.js';
import { EXPOSURE as EXPOSURE_G } from './set-g/exposure.js';
import { RANDOMNESS as RANDOMNESS_G } from './set-g/randomness.js';
import { STATE as STATE_G } from './set-g/state.js';

export type { BlindKeys, BlindKind, BlindMutant, BlindSubject, Open } from './blind-mutant.js';

/** Opens the provider that the mutants were made from, without a defect. */
export const openRight = opener({ cache: withDataKeyCache });

/** Written with the same knowledge, of the same kinds: one to improve the suite with, one to measure it. */
export const SET_A: readonly BlindMutant[] = [
  ...RANDOMNESS_A,
  ...STATE_A,
  ...BINDING_A,
  ...CONCURRENCY_A,
  ...EXPOSURE_A,
];

export const SET_B: readonly BlindMutant[] = [
  ...RANDOMNESS_B,
  ...STATE_B,
  ...BINDING_B,
  ...CONCURRENCY_B,
  ...EXPOSURE_B,
];

/** Written later, by somebody who had read neither the suite nor the other sets. */
export const SET_C: readonly BlindMutant[] = [
  ...RANDOMNESS_C,
  ...STATE_C,
  ...BINDING_C,
  ...CONCURRENCY_C,
  ...EXPOSURE_C,
];

/** Written later still, with as little knowledge: of clients, pools, retries and slips with typed arrays above all. */
export const SET_D: readonly BlindMutant[] = [
  ...RANDOMNESS_D,
  ...STATE_D,
  ...BINDING_D,
  ...CONCURRENCY_D,
  ...EXPOSURE_D,
];

/** Written from published incidents, by somebody who had read neither the suite nor the other sets. */
export const SET_E: readonly BlindMutant[] = [
  ...RANDOMNESS_E,
  ...STATE_E,
  ...BINDING_E,
  ...CONCURRENCY_E,
  ...EXPOSURE_E,
];

/** Written from what goes wrong in tokens, pools, batches and replicas, by somebody who had read neither the suite nor the other sets. */
export const SET_F: readonly BlindMutant[] = [
  ...RANDOMNESS_F,
  ...STATE_F,
  ...BINDING_F,
  ...CONCURRENCY_F,
  ...EXPOSURE_F,
];

/** Written at the same time, as blindly, by another author: from slips in clients, pools, batches and caches, and from published incidents. */
export const SET_G: readonly BlindMutant[] = [
  ...RANDOMNESS_G,
  ...STATE_G,
  ...BINDING_G,
  ...CONCURRENCY_G,
  ...EXPOSURE_G,
];

export const blindMutants: readonly BlindMutant[] = [
  ...SET_A,
  ...SET_B,
  ...SET_C,
  ...SET_D,
  ...SET_E,
  ...SET_F,
  ...SET_G,
];
