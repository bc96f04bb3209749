import {
  InvalidInputError,
  type KeyWrapError,
  type KeyWrapErrorOptions,
  ownField,
  ProviderUnavailableError,
} from '@keywrap/core';
import {
  ACCESS_DENIED,
  INVALID_INPUT,
  type Meaning,
  meaningOf,
  THROTTLED,
  UNAVAILABLE,
} from './error-map.js';

/** The reliable fields of the SDK's errors; credential and network errors have fewer. */
interface SdkError {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly status: number | undefined;
  /** True for a response that is not from KMS, such as a proxy's page, or is truncated. */
  readonly isUnreadableAnswer: boolean;
}

/** Maps the members of KMS's requests, which a ValidationException names, to the contract's fields. */
const FIELDS: Readonly<Record<string, string>> = {
  plaintext: 'plaintext',
  ciphertextBlob: 'ciphertext',
  keyId: 'keyId',
  encryptionAlgorithm: 'algorithm',
  encryptionContext: 'encryptionContext',
  numberOfBytes: 'numberOfBytes',
  keyPairSpec: 'keyPairSpec',
  grantTokens: 'options.grantTokens',
  sourceKeyId: 'source.keyId',
  sourceEncryptionAlgorithm: 'source.algorithm',
  sourceEncryptionContext: 'source.encryptionContext',
  destinationKeyId: 'destination.keyId',
  destinationEncryptionAlgorithm: 'destination.algorithm',
  destinationEncryptionContext: 'destination.encryptionContext',
};

/**
 * Converts an error of AWS KMS or its SDK into one of the contract, with KMS's message, the request id, and the
 * original as its cause. Returns undefined for other errors: a failed socket, or a bug.
 */
export function toKeyWrapError(error: unknown): KeyWrapError | undefined {
  const sdkError = readSdkError(error);
  const { message, requestId } = sdkError;
  if (meaningOf(sdkError.name) === undefined && isOfAnother(sdkError.status)) {
    return new InvalidInputError(
      'options.endpoint',
      `is not that of AWS KMS, or a proxy on the way responded (HTTP ${sdkError.status})`,
      { requestId },
    );
  }
  if (sdkError.isUnreadableAnswer) {
    // Without its cause: the parser's message quotes the response, which may contain a plaintext.
    return new ProviderUnavailableError(
      `the response is not from AWS KMS, or was truncated (HTTP ${sdkError.status}): check the endpoint and the proxies on the way`,
      { requestId },
    );
  }
  const options: KeyWrapErrorOptions = { requestId, cause: withoutRequest(error) };
  if (/^Region (is missing|not accepted)/.test(message)) {
    return new InvalidInputError(
      'options.region',
      'is missing or malformed: pass it, set AWS_REGION, or name keys by ARN',
      options,
    );
  }
  if (sdkError.code === 'ERR_INVALID_URL') {
    return new InvalidInputError(
      'options.endpoint',
      'is not a URL: pass one with http: or https:, or correct endpoint_url in the shared AWS config file',
      options,
    );
  }
  const meaning = meaningOf(sdkError.name) ?? meaningOfConnection(sdkError);
  if (meaning === undefined) return undefined;
  const { create, explanation } = meaning;
  return create(`${explanation}${quote(sdkError)}`, options, fieldOf(sdkError));
}

// llhttp's errors, which Node.js passes on, and failures of TLS and certificates: crypto.X509Certificate and
// OpenSSL's X509_V_ERR_*.
const NO_CONNECTION = /^(HPE|ERR_TLS|ERR_SSL|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)_/;

/** Classifies a name that is not in the table: a new one of AWS, a proxy's, or no response at all. */
function meaningOfConnection({ status, code }: SdkError): Meaning | undefined {
  if (status === undefined) return NO_CONNECTION.test(code ?? '') ? UNAVAILABLE : undefined;
  if (status === 401 || status === 403) return ACCESS_DENIED;
  if (status === 429) return THROTTLED;
  return status >= 400 && status < 500 ? INVALID_INPUT : UNAVAILABLE;
}

/** Tells whether no AWS service responds with this status: a redirection, or that there is nothing of this name. */
function isOfAnother(status = 0): boolean {
  return (status >= 300 && status < 400) || [404, 405, 407, 410].includes(status);
}

function readSdkError(error: unknown): SdkError {
  const { name, message, $metadata, $response, $fault } = Object(error);
  const code = ownField(Object(error), 'code');
  return {
    name: String(name ?? 'Error'),
    message: String(message ?? ''),
    code: typeof code === 'string' ? code : undefined,
    requestId: $metadata?.requestId,
    status: $metadata?.httpStatusCode,
    isUnreadableAnswer: $response !== undefined && $fault === undefined && name !== 'TimeoutError',
  };
}

/**
 * Takes the request out of an SDK's error, with its signature and session token: the response refers to it and may repeat
 * it in headers and in members of its body, and the message of a signature error repeats its headers below the first line.
 */
function withoutRequest(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const { message, stack, $response } = error as Partial<Error> & { $response?: object };
  // The property itself can't be removed.
  if ($response !== undefined) {
    Reflect.set($response, 'body', undefined);
    Reflect.set($response, 'headers', {});
  }
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(error))) {
    if (isMember(name, value)) Reflect.deleteProperty(error, name);
    if (name === 'stack' || typeof value !== 'string' || !value.includes('\n')) continue;
    Reflect.set(error, name, value.split('\n', 1)[0]);
  }
  const shown = (error as Partial<Error>).message;
  if (shown !== message)
    Reflect.set(
      error,
      'stack',
      stack?.replace(`${message}`, () => `${shown}`),
    );
  return error;
}

/** Tells whether a property of an SDK's error is an object or an array of the response, which may hold anything. */
function isMember(name: string, value: unknown): boolean {
  if (typeof value !== 'object' || value === null || name.startsWith('$')) return false;
  // Those of a failed connection to several addresses.
  const isOfErrors = Array.isArray(value) && value.every((each) => each instanceof Error);
  return !isOfErrors && !(value instanceof Error);
}

/** Characters of a message; one that is not of AWS may have megabytes. */
const MAXIMUM_QUOTED = 500;

/** Returns the error's code or name, and its message if it has one. */
function quote({ name, code, message }: SdkError): string {
  // The message of a signature error fills a page with the canonical request.
  const [firstLine = ''] = message.slice(0, MAXIMUM_QUOTED).split('\n', 1);
  const hasMessage = firstLine !== '' && firstLine !== 'UnknownError' && firstLine !== name;
  const text = `${(code ?? name).slice(0, MAXIMUM_QUOTED)}${hasMessage ? `: ${firstLine}` : ''}`;
  return ` (${text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')})`;
}

function fieldOf({ name, message }: SdkError): string {
  if (name === 'EndpointError') return 'endpoint';
  if (name === 'InvalidArnException' || name === 'InvalidAliasNameException') return 'keyId';
  // KMS's message for a plaintext that is too long for an RSA key.
  if (message.includes('cannot encrypt data larger than')) return 'plaintext';
  const [, member = ''] = /\bat '(\w+)/.exec(message) ?? [];
  return Object.hasOwn(FIELDS, member) ? (FIELDS[member] as string) : 'input';
}
