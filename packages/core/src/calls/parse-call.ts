import type { Call } from '../driver/requests.js';
import { InvalidInputError } from '../provider/errors.js';
import { LIMITS } from '../provider/key-spec.js';
import { checkFields, readArray } from '../provider/read-fields.js';

const OPTION_FIELDS = ['signal', 'grantTokens', 'bytesToEncrypt'] as const;

/** A call without options. */
export const NO_OPTIONS: Call = Object.freeze({
  signal: undefined,
  grantTokens: undefined,
  bytesToEncrypt: undefined,
});

/** @throws {@link InvalidInputError} */
export function parseCall(options: unknown): Call {
  if (options === undefined) return NO_OPTIONS;
  const { signal, grantTokens, bytesToEncrypt } = checkFields(options, 'options', OPTION_FIELDS);
  if (signal !== undefined && !isAbortSignal(signal)) {
    throw new InvalidInputError('options.signal', 'must be an AbortSignal');
  }
  if (bytesToEncrypt !== undefined && !isByteCount(bytesToEncrypt)) {
    throw new InvalidInputError('options.bytesToEncrypt', 'must be an integer from 0 to 2^53 - 1');
  }
  return { signal, grantTokens: parseGrantTokens(grantTokens), bytesToEncrypt };
}

/**
 * Parses [grant tokens](https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#grant_token).
 *
 * @returns A copy; undefined for undefined.
 * @throws {@link InvalidInputError} for more than 10, and for one that is not 1 to 8192 characters long.
 */
export function parseGrantTokens(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const tokens = readArray(value, LIMITS.grantTokens);
  const isToken = (token: unknown) =>
    typeof token === 'string' && token.length > 0 && token.length <= LIMITS.grantToken;
  if (tokens === undefined || !tokens.every(isToken)) {
    throw new InvalidInputError(
      'options.grantTokens',
      `must be an array of at most ${LIMITS.grantTokens} strings of 1 to ${LIMITS.grantToken} characters`,
    );
  }
  return tokens as string[];
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
