import type { ConformanceCase } from '../case.js';
import { abortCases } from './abort.js';
import { asymmetricCases } from './asymmetric.js';
import { capabilityCases } from './capabilities.js';
import { integrityCases } from './ciphertext-integrity.js';
import { ciphertextLengthCases } from './ciphertext-length.js';
import { closeCases } from './close.js';
import { concurrencyCases } from './concurrency.js';
import { indistinguishableCases } from './damage-indistinguishable.js';
import { dataKeyCacheCases } from './data-key-cache.js';
import { dataKeyPairCases } from './data-key-pairs.js';
import { dataKeyCases } from './data-keys.js';
import { describeKeyCases } from './describe-key.js';
import { encryptCases } from './encrypt.js';
import { encryptionContextCases } from './encryption-context.js';
import { errorCases } from './errors.js';
import { inputAtCallCases } from './input-at-call.js';
import { inputCombinationCases } from './input-combinations.js';
import { inputMemoryCases } from './input-memory.js';
import { inputCases } from './input-validation.js';
import { keyIdCases } from './key-ids.js';
import { keyLifeCases } from './key-life.js';
import { keyStateCases } from './key-state.js';
import { randomInputCases } from './random-input.js';
import { reEncryptCases } from './re-encrypt.js';
import { reEncryptContextCases } from './re-encrypt-context.js';
import { resultMemoryCases } from './result-memory.js';
import { rotationCases } from './rotation.js';
import { secretCases } from './secrets.js';
import { undeclaredCases } from './undeclared.js';
import { unknownKeyCases } from './unknown-key.js';

/**
 * Every case of the suite, as data. The ids are stable.
 *
 * @example
 * ```ts
 * import { conformanceCases } from '@keywrap/testkit';
 *
 * for (const { id, title, rule } of conformanceCases) console.log(id, title, rule.source);
 * ```
 */
export const conformanceCases: readonly ConformanceCase[] = [
  ...capabilityCases,
  ...undeclaredCases,
  ...encryptCases,
  ...keyIdCases,
  ...unknownKeyCases,
  ...encryptionContextCases,
  ...integrityCases,
  ...indistinguishableCases,
  ...ciphertextLengthCases,
  ...reEncryptCases,
  ...reEncryptContextCases,
  ...dataKeyCases,
  ...dataKeyPairCases,
  ...asymmetricCases,
  ...describeKeyCases,
  ...keyStateCases,
  ...rotationCases,
  ...keyLifeCases,
  ...resultMemoryCases,
  ...inputMemoryCases,
  ...inputAtCallCases,
  ...secretCases,
  ...errorCases,
  ...abortCases,
  ...closeCases,
  ...inputCases,
  ...inputCombinationCases,
  ...concurrencyCases,
  ...randomInputCases,
  ...dataKeyCacheCases,
];
