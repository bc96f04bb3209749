import { InvalidInputError } from './errors.js';
import type { KeyWrapProvider } from './provider.js';

const METHODS = ['encrypt', 'decrypt', 'decryptAsymmetric', 'describeKey', 'close'] as const;

/** @throws {@link InvalidInputError} when the value can't be a provider. */
export function assertProvider(value: unknown, field: string): asserts value is KeyWrapProvider {
  const candidate = value as Partial<Record<(typeof METHODS)[number], unknown>> | null | undefined;
  for (const method of METHODS) {
    if (typeof candidate?.[method] !== 'function') {
      throw new InvalidInputError(field, `must be a KeyWrapProvider; it has no method ${method}`);
    }
  }
}
