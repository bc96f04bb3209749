import {
  AccessDeniedError,
  InvalidCiphertextError,
  InvalidInputError,
  InvalidKeyUsageError,
  KeyDisabledError,
  KeyNotFoundError,
  KeyStateError,
  type KeyWrapError,
  ProviderUnavailableError,
  ThrottledError,
} from '@keywrap/core';

/** The fields of an error of the client that are relied on. */
interface RestError {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly status: number | undefined;
}

/**
 * What is kept of an error of the client. Its own errors hold the request, whose body and URL are the ciphertext, and
 * Azure's texts quote the URL.
 */
export class VaultError extends Error {
  readonly statusCode: number | undefined;
  readonly code: string;

  constructor(status: number | undefined, code: string) {
    super(
      `${status === undefined ? 'no answer' : `HTTP ${status}`}${code === '' ? '' : ` (${code})`}`,
    );
    this.name = 'VaultError';
    this.statusCode = status;
    this.code = code;
  }
}

/** Makes the one error of every ciphertext that does not decrypt. */
export function cannotDecrypt(): InvalidCiphertextError {
  return new InvalidCiphertextError(
    'the ciphertext can not be decrypted with this key and algorithm',
  );
}

/** Makes the error of a key of another kind. */
export function wrongUse(): InvalidKeyUsageError {
  return new InvalidKeyUsageError(
    'the key is not for this operation, or not for this algorithm; see describeKey',
  );
}

export function readRestError(error: unknown): RestError {
  const { name, code, message, statusCode } = Object(error) as Readonly<Record<string, unknown>>;
  return {
    name: String(name ?? ''),
    // Text of the server, which may hold anything.
    code: typeof code === 'string' && /^[A-Za-z]\w{0,63}$/.test(code) ? code : '',
    message: String(message ?? ''),
    status: typeof statusCode === 'number' ? statusCode : undefined,
  };
}

/**
 * Converts an error of Azure ([REST API](https://learn.microsoft.com/rest/api/keyvault/keys/operation-groups)) or its client into one
 * of the contract. Returns undefined for other errors: a bug.
 */
export function toKeyWrapError(error: unknown, step: string): KeyWrapError | undefined {
  const { name, code, message, status } = readRestError(error);
  const cause = new VaultError(status, code);
  const options = { cause };
  const text = `: ${cause.message}`;
  if (/disabled key/i.test(message)) {
    return new KeyDisabledError(`the key is disabled: enable it, or use another${text}`, options);
  }
  // What the client finds in the key, without a status.
  if (/\bexpired at\b|can't be used before/.test(message) && status === undefined) {
    return new KeyStateError(`the key has expired, or is not valid yet${text}`, options);
  }
  if (/is not supported on key/.test(message) && status === undefined) return wrongUse();
  // Of the client, which verifies whose token a vault asks for.
  if (/^The challenge /.test(message) && status === undefined) {
    return new AccessDeniedError(
      "the vault asks for a token for another resource: check options.vaultUrl, or the client's option disableChallengeResourceVerification",
    );
  }
  if (status === undefined) {
    // Of @azure/core-rest-pipeline: the request was not sent, or its answer could not be read.
    if (name !== 'RestError') return undefined;
    return new ProviderUnavailableError(`the vault was not reached${text}`, options);
  }
  if (status === 404) {
    return new KeyNotFoundError(
      `the vault has no such key: check its name and the vault; it may be deleted${text}`,
      options,
    );
  }
  if (status === 409) {
    return new KeyStateError(`the key is being deleted or recovered${text}`, options);
  }
  if (status === 401 || status === 403) {
    return new AccessDeniedError(
      `Azure does not allow this: check the credential and the roles of the vault${text}`,
      options,
    );
  }
  if (status === 429) return new ThrottledError(`too many requests: retry later${text}`, options);
  if (status >= 500 || status === 408) {
    return new ProviderUnavailableError(`the vault failed: retry later${text}`, options);
  }
  if (step === 'decrypt' && status === 400) return cannotDecrypt();
  return new InvalidInputError('input', `was rejected by the vault${text}`, options);
}
