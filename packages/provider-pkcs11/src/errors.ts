import {
  AccessDeniedError,
  InvalidCiphertextError,
  InvalidKeyUsageError,
  KeyNotFoundError,
  type KeyWrapError,
  ProviderUnavailableError,
  ThrottledError,
  UnsupportedOperationError,
} from '@keywrap/core';

/** Makes the one error of every ciphertext that does not decrypt. */
export function cannotDecrypt(): InvalidCiphertextError {
  return new InvalidCiphertextError(
    'the ciphertext can not be decrypted with this key, algorithm and encryption context',
  );
}

type Create = new (text: string, options: { readonly cause: unknown }) => KeyWrapError;

/** The return values of PKCS#11 ([version 3.1, §4.1](https://docs.oasis-open.org/pkcs11/pkcs11-spec/v3.1/)) by meaning. */
const MEANINGS: readonly (readonly [Create, explanation: string, names: string])[] = [
  [
    AccessDeniedError,
    'the token does not accept the PIN, or needs one: check options.pin',
    `CKR_PIN_INCORRECT CKR_PIN_INVALID CKR_PIN_LEN_RANGE CKR_PIN_EXPIRED CKR_PIN_LOCKED
     CKR_USER_NOT_LOGGED_IN CKR_USER_PIN_NOT_INITIALIZED CKR_USER_TYPE_INVALID CKR_ACTION_PROHIBITED`,
  ],
  [
    KeyNotFoundError,
    'the token has no such key any more',
    'CKR_OBJECT_HANDLE_INVALID CKR_KEY_HANDLE_INVALID',
  ],
  [
    InvalidKeyUsageError,
    'the key is not for this operation, or not for this algorithm; see describeKey',
    'CKR_KEY_FUNCTION_NOT_PERMITTED CKR_KEY_TYPE_INCONSISTENT CKR_KEY_SIZE_RANGE',
  ],
  [
    UnsupportedOperationError,
    'the token does not have this mechanism',
    'CKR_MECHANISM_INVALID CKR_MECHANISM_PARAM_INVALID CKR_FUNCTION_NOT_SUPPORTED',
  ],
  [
    ThrottledError,
    'the token has no room for another session or operation: retry later, or set options.sessions lower',
    'CKR_SESSION_COUNT CKR_HOST_MEMORY CKR_DEVICE_MEMORY',
  ],
  [
    ProviderUnavailableError,
    'the token did not respond, failed, or was removed: check it, or retry later',
    `CKR_GENERAL_ERROR CKR_FUNCTION_FAILED CKR_DEVICE_ERROR CKR_DEVICE_REMOVED CKR_TOKEN_NOT_PRESENT
     CKR_TOKEN_NOT_RECOGNIZED CKR_SESSION_CLOSED CKR_SESSION_HANDLE_INVALID CKR_CRYPTOKI_NOT_INITIALIZED
     CKR_FUNCTION_CANCELED CKR_SLOT_ID_INVALID`,
  ],
];

const BY_NAME = new Map(
  MEANINGS.flatMap((meaning) => (meaning[2].match(/\w+/g) ?? []).map((name) => [name, meaning])),
);

/** The names of return values that say that a ciphertext is damaged, and nothing else. */
const DAMAGED: ReadonlySet<string> = new Set([
  'CKR_ENCRYPTED_DATA_INVALID',
  'CKR_ENCRYPTED_DATA_LEN_RANGE',
  'CKR_AEAD_DECRYPT_FAILED',
  'CKR_DATA_INVALID',
  'CKR_DATA_LEN_RANGE',
]);

/** The names of return values that say it on one token, and on another that the token is broken. */
const AMBIGUOUS: ReadonlySet<string> = new Set([
  'CKR_GENERAL_ERROR',
  'CKR_FUNCTION_FAILED',
  'CKR_DEVICE_ERROR',
  'CKR_ARGUMENTS_BAD',
]);

/** The names of return values of a session that ended, as after a reset of the token. */
const ENDED: ReadonlySet<string> = new Set([
  'CKR_SESSION_CLOSED',
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_USER_NOT_LOGGED_IN',
  'CKR_DEVICE_REMOVED',
  'CKR_TOKEN_NOT_PRESENT',
]);

/** Returns true if the token did not accept the PIN, and would not if it were asked again. */
export function isRefusedPin(error: unknown): boolean {
  return /^CKR_PIN_/.test(nameOf(error));
}

/** Returns true if a decryption failed because of the ciphertext. */
export function isDamaged(error: unknown): boolean {
  return DAMAGED.has(nameOf(error));
}

/** Returns true if a decryption failed, and the error does not tell why. */
export function isAmbiguous(error: unknown): boolean {
  return AMBIGUOUS.has(nameOf(error));
}

/** Returns true if the session ended before the operation: nothing was done. */
export function isEndedSession(error: unknown): boolean {
  return ENDED.has(nameOf(error));
}

/** Returns the return value of PKCS#11 in an error of `pkcs11js`; undefined for other errors. */
export function codeOf(error: unknown): number | undefined {
  const { code } = Object(error) as { readonly code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

/** Returns the name of the return value, such as `CKR_GENERAL_ERROR`. */
function nameOf(error: unknown): string {
  const { message } = Object(error) as { readonly message?: unknown };
  return /^CKR_\w+/.exec(String(message))?.[0] ?? '';
}

/** Converts an error of PKCS#11 into one of the contract. Returns undefined for other errors: a bug. */
export function toKeyWrapError(error: unknown): KeyWrapError | undefined {
  const name = nameOf(error);
  const meaning = BY_NAME.get(name);
  if (meaning === undefined) return undefined;
  const [create, explanation] = meaning as (typeof MEANINGS)[number];
  return new create(`${explanation} (${name})`, { cause: error });
}
