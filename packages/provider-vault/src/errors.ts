import {
  AccessDeniedError,
  InvalidCiphertextError,
  InvalidInputError,
  InvalidKeyUsageError,
  KeyNotFoundError,
  KeyStateError,
  type KeyWrapError,
  ProviderUnavailableError,
  ThrottledError,
} from '@keywrap/core';
import { VaultError } from './http.js';

type Create = (text: string, cause: VaultError) => KeyWrapError;

function as(
  ErrorClass: new (text: string, options: { readonly cause: VaultError }) => KeyWrapError,
  explanation: string,
): Create {
  return (text, cause) => new ErrorClass(`${explanation}${text}`, { cause });
}

function input(field: string, explanation: string): Create {
  return (text, cause) => new InvalidInputError(field, `${explanation}${text}`, { cause });
}

/** One message for all of them: the server's texts tell a damaged tag from a version. */
const CIPHERTEXT: Create = () =>
  new InvalidCiphertextError(
    'the ciphertext can not be decrypted with this key, algorithm and encryption context',
  );

export const WRONG_KIND = 'the key is not for this operation, or not for this algorithm';

/**
 * The texts of the transit engine: a status alone does not tell, since RSA answers 500 to a damaged ciphertext. Those
 * of OpenBao 2.7 are in the tests; they are Vault's too.
 */
const TEXTS: readonly (readonly [RegExp, Create])[] = [
  [/^cipher: message authentication failed/, CIPHERTEXT],
  [/crypto\/rsa: decryption error/, CIPHERTEXT],
  [/invalid ciphertext/, CIPHERTEXT],
  [/version is disallowed by policy \(too old\)/, CIPHERTEXT],
  [/message too long for RSA/, input('plaintext', 'is too long for the RSA key')],
  [
    /encryption key not found|unknown key type/,
    as(KeyNotFoundError, 'transit has no such key: check its name, the mount and the namespace'),
  ],
  [
    /soft-deleted key/,
    as(KeyStateError, 'the key is deleted, and can be restored: restore it, or use another'),
  ],
  [
    /less than the minimum encryption key version/,
    as(KeyStateError, 'the key may decrypt only: see its minimum encryption version'),
  ],
  [
    /not supported for key type|non-AEAD cipher suite|missing 'context' for key derivation|no private key|unsupported key type/,
    as(InvalidKeyUsageError, WRONG_KIND),
  ],
  [
    /no handler for route|unsupported path/,
    input(
      'options.mount',
      'is not where a transit engine is mounted, or it is in another namespace',
    ),
  ],
  [/namespace not found/, input('options.namespace', 'does not exist')],
  [/Vault is sealed/, as(ProviderUnavailableError, 'the server is sealed: unseal it')],
];

/**
 * Converts an error of the server into one of the contract, with the server's text and the original as its cause.
 * Returns undefined for other errors: a failed socket, or a bug.
 */
export function toKeyWrapError(error: unknown): KeyWrapError | undefined {
  if (!(error instanceof VaultError)) return undefined;
  const text = ` (${error.message})`;
  const known = error.errors
    .map((each) => TEXTS.find(([pattern]) => pattern.test(each)))
    .find((entry) => entry !== undefined);
  return (known?.[1] ?? byStatus(error))(text, error);
}

/** @see https://openbao.org/api-docs/#http-status-codes */
function byStatus({ status, errors }: VaultError): Create {
  if (status === 401 || status === 403) {
    return as(
      AccessDeniedError,
      'the server does not allow this: check the token and its policies',
    );
  }
  if (status === 429) return as(ThrottledError, 'too many requests: retry later, more slowly');
  if (status >= 500 || status < 400 || status === 408 || status === 472 || status === 473) {
    return as(ProviderUnavailableError, 'the server failed, or is not ready: retry later');
  }
  if (status === 404 && errors.length === 0) {
    return as(
      KeyNotFoundError,
      'transit has no such key: check its name, the mount and the namespace',
    );
  }
  if (status === 413) return input('input', 'is longer than the server accepts');
  return input('input', 'was rejected by the server');
}
