import { ciphertextMutants } from './ciphertext.js';
import { contextMutants } from './context.js';
import { errorMutants } from './errors.js';
import { inputMutants } from './input.js';
import { keyMutants } from './keys.js';
import { lifecycleMutants } from './lifecycle.js';
import type { Mutant } from './mutant.js';
import { operationMutants } from './operations.js';
import { resultMutants } from './results.js';

/** Providers that each break one rule. */
export const mutants: readonly Mutant[] = [
  ...contextMutants,
  ...keyMutants,
  ...ciphertextMutants,
  ...operationMutants,
  ...resultMutants,
  ...errorMutants,
  ...lifecycleMutants,
  ...inputMutants,
];
