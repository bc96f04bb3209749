import {
  AccessDeniedError,
  IncorrectKeyError,
  InvalidCiphertextError,
  InvalidInputError,
  InvalidKeyUsageError,
  KeyDisabledError,
  KeyNotFoundError,
  KeyStateError,
  type KeyWrapError,
  type KeyWrapErrorOptions,
  ProviderUnavailableError,
  ThrottledError,
  UnsupportedOperationError,
} from '@keywrap/core';

/** Maps some errors of AWS KMS and its SDK to an error of the contract. */
export interface Meaning {
  readonly create: (text: string, options: KeyWrapErrorOptions, field: string) => KeyWrapError;
  /** Says what is wrong and what to do. */
  readonly explanation: string;
  /**
   * The names of the errors: KMS's own ([API reference](https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html)),
   * those of every AWS service ([common errors](https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html)),
   * and those of the SDK's credential providers and HTTP handler. Separated by white space.
   */
  readonly names: string;
}

function as(
  ErrorClass: new (text: string, options: KeyWrapErrorOptions) => KeyWrapError,
): Meaning['create'] {
  return (text, options) => new ErrorClass(text, options);
}

export const INVALID_INPUT: Meaning = {
  create: (text, options, field) => new InvalidInputError(field, text, options),
  explanation: 'was rejected by AWS KMS',
  names: `
    EndpointError InvalidAliasNameException InvalidArnException InvalidParameterCombination
    InvalidParameterException InvalidParameterValue MalformedHttpRequestException
    MissingParameter RequestEntityTooLargeException SerializationException ValidationError
    ValidationException`,
};

export const ACCESS_DENIED: Meaning = {
  create: as(AccessDeniedError),
  explanation:
    'AWS does not allow this: check the credentials, the key policy, the grants, the encryption context that they ask for, and the clock',
  names: `
    AccessDenied AccessDeniedException AuthFailure CredentialsProviderError ExpiredToken
    ExpiredTokenException ForbiddenException IDPRejectedClaimException IncompleteSignature
    IncompleteSignatureException InvalidAccessKeyId InvalidClientTokenId InvalidGrantIdException
    InvalidGrantTokenException InvalidIdentityTokenException InvalidSignatureException
    MissingAuthenticationToken MissingAuthenticationTokenException NotAuthorized OptInRequired
    ProviderError RegionDisabledException RequestExpired RequestInTheFuture RequestTimeTooSkewed
    SignatureDoesNotMatch SubscriptionRequiredException TokenProviderError UnauthorizedException
    UnrecognizedClientException XksProxyIncorrectAuthenticationCredentialException`,
};

export const THROTTLED: Meaning = {
  create: as(ThrottledError),
  explanation: 'too many requests for this account and region: retry later, more slowly',
  names: `
    LimitExceededException RequestLimitExceeded RequestThrottled RequestThrottledException
    SlowDown ThrottledException Throttling ThrottlingException TooManyRequestsException`,
};

export const UNAVAILABLE: Meaning = {
  create: as(ProviderUnavailableError),
  explanation: 'AWS KMS did not respond, or failed: check the network, or retry later',
  names: `
    CloudHsmClusterNotActiveException DependencyTimeoutException IDPCommunicationErrorException
    InternalError InternalFailure InternalServerError InternalServerException
    KMSInternalException KeyUnavailableException RequestAbortedException RequestTimeout
    RequestTimeoutException ServiceUnavailable ServiceUnavailableException TimeoutError
    XksProxyInvalidResponseException XksProxyUriUnreachableException`,
};

const MEANINGS: readonly Meaning[] = [
  {
    create: as(KeyNotFoundError),
    explanation: 'AWS KMS has no such key: check its name, the region and the account',
    names: `
    CloudHsmClusterNotFoundException CustomKeyStoreNotFoundException NotFoundException
    XksKeyNotFoundException XksProxyVpcEndpointServiceNotFoundException`,
  },
  {
    create: as(KeyDisabledError),
    explanation: 'the key is disabled: enable it, or use another',
    names: 'DisabledException',
  },
  {
    create: as(KeyStateError),
    explanation: "the key or its key store can't be used in its present state; see describeKey",
    names: `
    CloudHsmClusterInvalidConfigurationException CustomKeyStoreInvalidStateException
    KMSInvalidStateException XksKeyInvalidConfigurationException
    XksProxyInvalidConfigurationException
    XksProxyVpcEndpointServiceInvalidConfigurationException`,
  },
  {
    create: as(InvalidKeyUsageError),
    explanation: 'the key is not for this operation, or not for this algorithm; see describeKey',
    names: 'InvalidKeyUsageException',
  },
  {
    create: as(IncorrectKeyError),
    explanation: 'the ciphertext was made by a key other than the named one',
    names: 'IncorrectKeyException',
  },
  {
    create: as(InvalidCiphertextError),
    explanation:
      'the ciphertext can not be decrypted with this key, algorithm and encryption context',
    names: 'InvalidCiphertextException',
  },
  INVALID_INPUT,
  {
    create: as(UnsupportedOperationError),
    explanation: 'AWS KMS does not support this in this region, at this endpoint or with this key',
    names: `
    InvalidAction UnknownOperationException UnsupportedOperationException`,
  },
  ACCESS_DENIED,
  THROTTLED,
  UNAVAILABLE,
];

const BY_NAME = new Map(
  MEANINGS.flatMap((meaning) => meaning.names.match(/\w+/g)?.map((name) => [name, meaning]) ?? []),
);

/** Returns the meaning of an error name; `undefined` when the table does not have it. */
export function meaningOf(name: string): Meaning | undefined {
  return BY_NAME.get(name);
}
