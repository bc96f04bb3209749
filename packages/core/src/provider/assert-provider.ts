import { InvalidInputError } from './errors.js';
import type { KeyWrapProvider } from './provider.js';

const METHODS = ['encrypt', 'decrypt', 'decryptAsymmetric', 'describeKey', 'close'] as const;

/** @throws {@link InvalidInputError} when the value can't be a provider. */
export function assertProvider(value: unknown, field: string): asserts value is KeyWrapProvider {
  assertMethods(value, METHODS, field, 'must be a KeyWrapProvider');
}

/**
 * @param rule What the field must be, for the message.
 * @throws {@link InvalidInputError} when the value lacks one of the methods.
 */
export function assertMethods(
  value: unknown,
  methods: readonly string[],
  field: string,
  rule: string,
): void {
  const candidate = value as Readonly<Record<string, unknown>> | null | undefined;
  for (const method of methods) {
    if (typeof candidate?.[method] !== 'function') {
      throw new InvalidInputError(field, `${rule}; it has no method ${method}`);
    }
  }
}

/** @throws {@link InvalidInputError} when the value is not a function. */
export function assertFunction(value: unknown, field: string): void {
  if (typeof value !== 'function') throw new InvalidInputError(field, 'must be a function');
}
