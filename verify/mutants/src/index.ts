import { byteMutants } from './bytes.js';
import { cacheMutants } from './caches.js';
import { ciphertextMutants } from './ciphertext.js';
import { contextMutants } from './context.js';
import { contextPlaceMutants } from './context-places.js';
import { dataKeyCacheMutants } from './data-key-cache.js';
import { detailMutants } from './details.js';
import { errorMutants } from './errors.js';
import { inputMutants } from './input.js';
import { keyMutants } from './keys.js';
import { kindMutants } from './kinds.js';
import { layerMutants } from './layers.js';
import { leftoverMutants } from './leftovers.js';
import { lifecycleMutants } from './lifecycle.js';
import type { Mutant } from './mutant.js';
import { oneOperationMutants } from './one-operation.js';
import { oneUseMutants } from './one-use.js';
import { operationMutants } from './operations.js';
import { resultMutants } from './results.js';
import { rotationMutants } from './rotations.js';
import { runningMutants } from './running.js';
import { sealingMutants } from './sealing.js';
import { sequenceMutants } from './sequences.js';
import { shapeMutants } from './shapes.js';
import { statisticsMutants } from './statistics.js';
import { uncheckedMutants } from './unchecked.js';
import { uncopiedMutants } from './uncopied.js';
import { useMutants } from './uses.js';
import { weakPairMutants } from './weak-pairs.js';

/** Providers that each break one rule. */
export const mutants: readonly Mutant[] = [
  ...contextMutants,
  ...keyMutants,
  ...ciphertextMutants,
  ...operationMutants,
  ...resultMutants,
  ...errorMutants,
  ...layerMutants,
  ...lifecycleMutants,
  ...inputMutants,
  ...uncheckedMutants,
  ...uncopiedMutants,
  ...kindMutants,
  ...detailMutants,
  ...sealingMutants,
  ...useMutants,
  ...contextPlaceMutants,
  ...oneUseMutants,
  ...oneOperationMutants,
  ...dataKeyCacheMutants,
  ...statisticsMutants,
  ...weakPairMutants,
  ...cacheMutants,
  ...byteMutants,
  ...rotationMutants,
  ...runningMutants,
  ...shapeMutants,
  ...sequenceMutants,
  ...leftoverMutants,
];
