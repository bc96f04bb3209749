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

/** What the SDK throws, as far as it can be relied on: credential and network errors have less. */
interface SdkError {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly status: number | undefined;
  /** Whether an answer came that is none of KMS's: a proxy's page, or one that was cut off. */
  readonly isUnreadableAnswer: boolean;
}

/** How the contract names the members of KMS's requests, which a ValidationException refers to. */
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
 * Turns an error of AWS KMS or its SDK into one of the contract, with KMS's own words and the id of the
 * request, and the original as its cause. Undefined for what neither has a name for: a socket that
 * failed, or a mistake in a program.
 */
export function toKeyWrapError(error: unknown): KeyWrapError | undefined {
  const sdkError = readSdkError(error);
  const { message, requestId } = sdkError;
  if (sdkError.isUnreadableAnswer) {
    // Without its cause: the parser's message quotes the answer, where a plaintext may be.
    return new ProviderUnavailableError(
      `what answered is not AWS KMS, or the answer was cut off (HTTP ${sdkError.status}): check the endpoint and the proxies on the way`,
      { requestId },
    );
  }
  const options: KeyWrapErrorOptions = { requestId, cause: error };
  if (/^Region (is missing|not accepted)/.test(message)) {
    return new InvalidInputError(
      'options.region',
      'is missing or malformed: pass it, set AWS_REGION, or name keys by ARN',
      options,
    );
  }
  const meaning = meaningOf(sdkError.name) ?? meaningOfConnection(sdkError);
  if (meaning === undefined) return undefined;
  const { create, explanation } = meaning;
  return create(`${explanation}${quote(sdkError)}`, options, fieldOf(sdkError));
}

// llhttp's errors, which Node.js passes on, and why TLS is not there or not trusted: crypto.X509Certificate
// and OpenSSL's X509_V_ERR_*.
const NO_CONNECTION = /^(HPE|ERR_TLS|ERR_SSL|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)_/;

/** For a name that is not in the table, because AWS added it, or a proxy or nobody answered. */
function meaningOfConnection({ status, code }: SdkError): Meaning | undefined {
  if (status === undefined) return NO_CONNECTION.test(code ?? '') ? UNAVAILABLE : undefined;
  if (status === 401 || status === 403) return ACCESS_DENIED;
  if (status === 429) return THROTTLED;
  return status >= 400 && status < 500 ? INVALID_INPUT : UNAVAILABLE;
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
    isUnreadableAnswer: $response !== undefined && $fault === undefined,
  };
}

/** The name of the error, its code and its message, as far as there are any. */
function quote({ name, code, message }: SdkError): string {
  // A signature error goes on for a page, with the request in its canonical form.
  const [firstLine = ''] = message.split('\n', 1);
  const hasMessage = firstLine !== '' && firstLine !== 'UnknownError' && firstLine !== name;
  return ` (${code ?? name}${hasMessage ? `: ${firstLine}` : ''})`;
}

function fieldOf({ name, message }: SdkError): string {
  if (name === 'EndpointError') return 'endpoint';
  if (name === 'InvalidArnException' || name === 'InvalidAliasNameException') return 'keyId';
  // KMS's words for more bytes than an RSA key takes.
  if (message.includes('cannot encrypt data larger than')) return 'plaintext';
  const [, member = ''] = /\bat '(\w+)/.exec(message) ?? [];
  return Object.hasOwn(FIELDS, member) ? (FIELDS[member] as string) : 'input';
}
