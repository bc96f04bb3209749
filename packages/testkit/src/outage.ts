import {
  type EncryptionAlgorithm,
  isAsymmetricAlgorithm,
  type KeyWrapErrorCode,
} from '@keywrap/core';
import type { Outage } from './harness.js';

/** What a call that needs the backend is rejected with. */
export const OUTAGE_CODES: Readonly<Record<Outage, KeyWrapErrorCode>> = {
  throttled: 'THROTTLED',
  denied: 'ACCESS_DENIED',
  unavailable: 'UNAVAILABLE',
  failed: 'UNAVAILABLE',
};

/** Tells whether a provider may make a call without the backend: it may have descriptions and public keys elsewhere. */
export function mayWorkAlone(
  operation: string,
  { algorithm = 'SYMMETRIC_DEFAULT' }: { readonly algorithm?: EncryptionAlgorithm },
): boolean {
  if (operation === 'describeKey' || operation === 'getPublicKey') return true;
  return operation === 'encrypt' && isAsymmetricAlgorithm(algorithm);
}
