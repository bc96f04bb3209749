import type { ConformanceCase } from '../case.js';
import { abortCases } from './abort.js';
import { abortedAtOnceCases } from './aborted-at-once.js';
import { anySequenceCases } from './any-sequence.js';
import { asymmetricCases } from './asymmetric.js';
import { atOnceCases } from './at-once.js';
import { capabilityCases } from './capabilities.js';
import { integrityCases } from './ciphertext-integrity.js';
import { ciphertextLengthCases } from './ciphertext-length.js';
import { closeCases } from './close.js';
import { contentCases } from './content.js';
import { contextFamilyCases } from './context-families.js';
import { currentStateCases } from './current-state.js';
import { indistinguishableCases } from './damage-indistinguishable.js';
import { dataKeyCacheCases } from './data-key-cache.js';
import { dataKeyCacheSharingCases } from './data-key-cache-sharing.js';
import { dataKeyPairCases } from './data-key-pairs.js';
import { dataKeyCases } from './data-keys.js';
import { describeKeyCases } from './describe-key.js';
import { encryptCases } from './encrypt.js';
import { encryptionContextCases } from './encryption-context.js';
import { errorCases } from './errors.js';
import { exactKeyIdCases } from './exact-key-ids.js';
import { forgedContextCases } from './forged-contexts.js';
import { inputAtCallCases } from './input-at-call.js';
import { inputCombinationCases } from './input-combinations.js';
import { inputMemoryCases } from './input-memory.js';
import { inputReadOnceCases } from './input-read-once.js';
import { inputCases } from './input-validation.js';
import { keyIdCases } from './key-ids.js';
import { keyPairStrengthCases } from './key-pair-strength.js';
import { keyStateCases } from './key-state.js';
import { nonceCases } from './nonces.js';
import { outageCases } from './outages.js';
import { outsideChangeCases } from './outside-changes.js';
import { quietCases } from './quiet.js';
import { randomDataKeyCases } from './random-data-keys.js';
import { randomInputCases } from './random-input.js';
import { rareFaultCases } from './rare-faults.js';
import { reEncryptCases } from './re-encrypt.js';
import { reEncryptContextCases } from './re-encrypt-context.js';
import { resourceCases } from './resources.js';
import { resultMemoryCases } from './result-memory.js';
import { retentionCases } from './retention.js';
import { rotationCases } from './rotation.js';
import { rsaPaddingCases } from './rsa-padding.js';
import { rsaRotationCases } from './rsa-rotation.js';
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
  ...rsaRotationCases,
  ...anySequenceCases,
  ...resultMemoryCases,
  ...inputMemoryCases,
  ...inputAtCallCases,
  ...secretCases,
  ...errorCases,
  ...abortCases,
  ...closeCases,
  ...inputCases,
  ...inputCombinationCases,
  ...atOnceCases,
  ...abortedAtOnceCases,
  ...randomInputCases,
  ...dataKeyCacheCases,
  ...dataKeyCacheSharingCases,
  ...nonceCases,
  ...randomDataKeyCases,
  ...keyPairStrengthCases,
  ...currentStateCases,
  ...exactKeyIdCases,
  ...contextFamilyCases,
  ...forgedContextCases,
  ...inputReadOnceCases,
  ...contentCases,
  ...rsaPaddingCases,
  ...rareFaultCases,
  ...quietCases,
  ...retentionCases,
  ...outsideChangeCases,
  ...resourceCases,
  ...outageCases,
];
