import { InvalidInputError } from '../provider/errors.js';
import { LIMITS } from '../provider/key-spec.js';
import type { CallOptions } from '../provider/provider.js';
import { readFields } from '../provider/read-fields.js';
import type { CallContext } from './requests.js';

const OPTION_FIELDS = ['signal', 'grantTokens', 'bytesToEncrypt'] as const;
// Their fields are there, because a polluted Object.prototype would lend them others.
const NO_CONTEXT: CallContext = Object.freeze({ signal: undefined, grantTokens: undefined });
const NO_OPTIONS = Object.freeze({
  signal: undefined,
  grantTokens: undefined,
  bytesToEncrypt: undefined,
});

/** @throws {@link InvalidInputError} */
export function readCallOptions(options: unknown): CallContext {
  if (options === undefined) return NO_CONTEXT;
  const { signal, grantTokens } = readAllCallOptions(options);
  return { signal, grantTokens };
}

/** As {@link readCallOptions}, with what only a data-key cache looks at. @throws {@link InvalidInputError} */
export function readAllCallOptions(options: unknown): CallOptions {
  if (options === undefined) return NO_OPTIONS;
  const { signal, grantTokens, bytesToEncrypt } = readFields(options, 'options', OPTION_FIELDS);
  if (signal !== undefined && !isAbortSignal(signal)) {
    throw new InvalidInputError('options.signal', 'must be an AbortSignal');
  }
  if (bytesToEncrypt !== undefined && !isByteCount(bytesToEncrypt)) {
    throw new InvalidInputError('options.bytesToEncrypt', 'must be an integer from 0 to 2^53 - 1');
  }
  return { signal, grantTokens: readGrantTokens(grantTokens), bytesToEncrypt };
}

/** @throws {@link InvalidInputError} */
export function readGrantTokens(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  // The length first: copying an array of a billion holes would take all memory.
  const isShort = Array.isArray(value) && value.length <= LIMITS.grantTokens;
  const tokens = isShort ? [...value] : undefined;
  const isToken = (token: unknown) =>
    typeof token === 'string' && token.length > 0 && token.length <= LIMITS.grantToken;
  if (tokens === undefined || !tokens.every(isToken)) {
    throw new InvalidInputError(
      'options.grantTokens',
      `must be an array of at most ${LIMITS.grantTokens} strings of 1 to ${LIMITS.grantToken} characters`,
    );
  }
  return tokens;
}

function isByteCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isAbortSignal(value: unknown): value is AbortSignal {
  return (
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    typeof value.aborted === 'boolean' &&
    'addEventListener' in value &&
    typeof value.addEventListener === 'function' &&
    'removeEventListener' in value &&
    typeof value.removeEventListener === 'function'
  );
}
