import {
  AccessDeniedError,
  InvalidCiphertextError,
  InvalidInputError,
  KeyDisabledError,
  KeyNotFoundError,
  KeyStateError,
  type KeyWrapError,
  ProviderUnavailableError,
  ThrottledError,
  UnsupportedOperationError,
} from '@keywrap/core';

/** The codes of [gRPC](https://grpc.io/docs/guides/status-codes/), which Google's are. */
const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** A code of gRPC, by name. */
export type GrpcCode = (typeof CODES)[number];

/** What is kept of an error of the client, whose text and fields may show more than is known. */
export class KmsError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.name = 'KmsError';
    this.code = code;
  }
}

/** Keeps the code and the reason ([AIP-193](https://google.aip.dev/193)) of an error. */
export function kmsErrorOf(error: unknown): KmsError {
  const { code, reason } = Object(error) as Readonly<Record<string, unknown>>;
  const name = grpcCodeOf(error) ?? (typeof code === 'string' ? code : 'no code');
  return new KmsError(/^[A-Z_]+$/.test(`${reason}`) ? `${name} (${reason})` : name);
}

/** Returns the code of an error of gRPC; undefined for any other error. */
export function grpcCodeOf(error: unknown): GrpcCode | undefined {
  const { code } = Object(error) as { readonly code?: unknown };
  return typeof code === 'number' ? CODES[code] : undefined;
}

/** Makes the one error of every ciphertext that does not decrypt. */
export function cannotDecrypt(): InvalidCiphertextError {
  return new InvalidCiphertextError(
    'the ciphertext can not be decrypted with this key and algorithm',
  );
}

/** Makes the error of a request or a response whose CRC32C is wrong or missing. */
export function damagedOnTheWay(what: string): ProviderUnavailableError {
  return new ProviderUnavailableError(
    `the CRC32C of the ${what} is wrong or was not checked: it may have been damaged on the way`,
  );
}

/**
 * Converts an error of [Cloud KMS](https://cloud.google.com/kms/docs/reference/rpc/google.rpc#code) or its client into one of
 * the contract. Returns undefined for other errors: a bug.
 */
export function toKeyWrapError(error: unknown, step: string): KeyWrapError | undefined {
  const code = grpcCodeOf(error);
  const message = String((Object(error) as { readonly message?: unknown }).message ?? '');
  const cause = kmsErrorOf(error);
  // Of the client, whatever the code: it got no token to send.
  if (/\bmetadata from plugin failed\b/.test(message)) return withoutToken(message, cause);
  if (code === undefined) return undefined;
  const options = { cause };
  const text = `: ${cause.message}`;
  switch (code) {
    case 'INVALID_ARGUMENT':
      if (/checksum|crc32c/i.test(message)) return damagedOnTheWay('request');
      if (step === 'decrypt') return cannotDecrypt();
      return new InvalidInputError('input', `was rejected by Cloud KMS${text}`, options);
    case 'OUT_OF_RANGE':
      return new InvalidInputError('input', `was rejected by Cloud KMS${text}`, options);
    case 'FAILED_PRECONDITION':
      return ofState(/current state is: ([A-Z_]+)/.exec(message)?.[1], step, options);
    case 'NOT_FOUND':
      return new KeyNotFoundError(
        `Cloud KMS has no such key: check its name, ring, location and project${text}`,
        options,
      );
    case 'PERMISSION_DENIED':
    case 'UNAUTHENTICATED':
      return new AccessDeniedError(
        `Google does not allow this: check the credentials and their roles${text}`,
        options,
      );
    case 'RESOURCE_EXHAUSTED':
      // Of the client.
      if (/Received message larger than max/.test(message)) break;
      return new ThrottledError(`too many requests: retry later${text}`, options);
    case 'UNIMPLEMENTED':
      return new UnsupportedOperationError(`the endpoint does not implement this${text}`, options);
    case 'INTERNAL':
      // The client could not send it: a mistake.
      if (/serialization failure/.test(message)) return undefined;
      break;
    case 'OK':
    case 'ALREADY_EXISTS':
      return undefined;
  }
  return new ProviderUnavailableError(
    `Cloud KMS was not reached, or failed: retry later${text}`,
    options,
  );
}

/** The server that gives tokens may be down. */
const TOKEN_OUTAGE =
  /\b(ECONN\w+|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|status code (429|5\d\d))\b|time-?out|socket hang up/i;

function withoutToken(message: string, cause: Error): KeyWrapError {
  return TOKEN_OUTAGE.test(message)
    ? new ProviderUnavailableError('the server that gives tokens was not reached', { cause })
    : new AccessDeniedError('the credentials give no token: check them, and clientOptions', {
        cause,
      });
}

/** Of a key version that is not enabled, whose state the message names; undefined for any other precondition. */
function ofState(state: string | undefined, step: string, options: { readonly cause: Error }) {
  if (state === 'DISABLED') {
    return new KeyDisabledError(
      'the key version is disabled: enable it, or use another key',
      options,
    );
  }
  // Its material is gone for good.
  if (state === 'DESTROYED' && step === 'decrypt') return cannotDecrypt();
  return new KeyStateError(
    state === undefined
      ? 'the key has no version that can be used for this'
      : `the key version can't be used while its state is ${state}`,
    options,
  );
}
