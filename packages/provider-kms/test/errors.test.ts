import * as sdk from '@aws-sdk/client-kms';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { expect } from 'chai';
import { meaningOf } from '#dist/error-map.js';
import { toKeyWrapError } from '#dist/errors.js';
import { rejection, stubbedClient } from './support.js';

const $metadata = { httpStatusCode: 400, requestId: 'b1946ac9-request' };

function kmsError(name: string, message = 'words of KMS', status = 400): sdk.KMSServiceException {
  return new sdk.KMSServiceException({
    name,
    message,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { ...$metadata, httpStatusCode: status },
  });
}

/** Every exception that this version of the SDK has a class for. */
const EXCEPTIONS = Object.values(sdk)
  .filter(
    (value): value is typeof sdk.NotFoundException =>
      typeof value === 'function' && value.prototype instanceof sdk.KMSServiceException,
  )
  .map((Exception) => new Exception({ message: 'words of KMS', $metadata }));

/** Of operations that keywrap never calls: they manage keys, key stores and tags, sign, or make MACs. */
const OF_OTHER_OPERATIONS = [
  'AlreadyExistsException',
  'CloudHsmClusterInUseException',
  'CloudHsmClusterNotRelatedException',
  'ConflictException',
  'CustomKeyStoreHasCMKsException',
  'CustomKeyStoreNameInUseException',
  'DryRunOperationException',
  'ExpiredImportTokenException',
  'IncorrectKeyMaterialException',
  'IncorrectTrustAnchorException',
  'InvalidImportTokenException',
  'InvalidMarkerException',
  'KMSInvalidMacException',
  'KMSInvalidSignatureException',
  'MalformedPolicyDocumentException',
  'TagException',
  'XksKeyAlreadyInUseException',
  'XksProxyUriEndpointInUseException',
  'XksProxyUriInUseException',
  'XksProxyVpcEndpointServiceInUseException',
];

const CODES: Readonly<Record<string, readonly string[]>> = {
  KEY_NOT_FOUND: ['NotFoundException'],
  KEY_DISABLED: ['DisabledException'],
  KEY_STATE: ['KMSInvalidStateException', 'CustomKeyStoreInvalidStateException'],
  KEY_USAGE: ['InvalidKeyUsageException'],
  INCORRECT_KEY: ['IncorrectKeyException'],
  INVALID_CIPHERTEXT: ['InvalidCiphertextException'],
  INVALID_INPUT: ['ValidationException', 'InvalidArnException', 'SerializationException'],
  UNSUPPORTED: ['UnsupportedOperationException', 'UnknownOperationException'],
  ACCESS_DENIED: [
    'AccessDeniedException',
    'CredentialsProviderError',
    'ExpiredTokenException',
    'IncompleteSignature',
    'InvalidClientTokenId',
    'InvalidGrantIdException',
    'InvalidGrantTokenException',
    'InvalidSignatureException',
    'MissingAuthenticationToken',
    'OptInRequired',
    'SignatureDoesNotMatch',
    'UnrecognizedClientException',
  ],
  THROTTLED: ['ThrottlingException', 'LimitExceededException', 'TooManyRequestsException'],
  UNAVAILABLE: [
    'KMSInternalException',
    'DependencyTimeoutException',
    'KeyUnavailableException',
    'CloudHsmClusterNotActiveException',
    'XksProxyUriUnreachableException',
    'ServiceUnavailableException',
    'InternalFailure',
    'TimeoutError',
  ],
};

describe('errors of AWS KMS', () => {
  it('has a meaning for every exception that the SDK exports, and keywrap can meet', () => {
    expect(EXCEPTIONS).to.have.length.greaterThan(40);
    const unknown = EXCEPTIONS.filter(({ name }) => meaningOf(name) === undefined);
    expect(unknown.map(({ name }) => name).sort()).to.deep.equal(OF_OTHER_OPERATIONS);
  });

  for (const exception of EXCEPTIONS) {
    it(`keeps request id, words and cause of ${exception.name}`, async () => {
      const { client } = stubbedClient(exception);
      const error = await rejection(new KmsKeyWrapProvider({ client }).describeKey({ keyId: 'a' }));
      expect(error).to.include({
        operation: 'describeKey',
        keyId: 'a',
        requestId: 'b1946ac9-request',
        cause: exception,
      });
      expect(error.message).to.contain(`(${exception.name}: words of KMS)`);
    });
  }

  for (const [code, names] of Object.entries(CODES)) {
    for (const name of names) {
      it(`calls ${name} ${code}`, () => {
        const retryable = code === 'THROTTLED' || code === 'UNAVAILABLE';
        expect(toKeyWrapError(kmsError(name))).to.include({ code, retryable });
      });
    }
  }

  for (const [member, field] of [
    ['plaintext', 'plaintext'],
    ['ciphertextBlob', 'ciphertext'],
    ['encryptionAlgorithm', 'algorithm'],
    ['destinationKeyId', 'destination.keyId'],
    ['sourceEncryptionContext', 'source.encryptionContext'],
    ['grantTokens', 'options.grantTokens'],
    ['constructor', 'input'],
    ['somethingElse', 'input'],
  ] as const) {
    it(`finds the field ${field} when KMS rejects ${member}`, () => {
      const text = `1 validation error detected: Value at '${member}' failed to satisfy constraint: ...`;
      expect(toKeyWrapError(kmsError('ValidationException', text))).to.include({ field });
      const older = text.replace(' at ', " 'x' at ");
      expect(toKeyWrapError(kmsError('ValidationException', older))).to.include({ field });
    });
  }

  it('finds the field in other forms of the message', () => {
    const tooLong =
      'Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes.';
    const fieldOf = (error: Error) => Reflect.get(Object(toKeyWrapError(error)), 'field');
    expect(fieldOf(kmsError('ValidationException', tooLong))).to.equal('plaintext');
    expect(fieldOf(kmsError('InvalidArnException', 'Invalid arn'))).to.equal('keyId');
    expect(fieldOf(kmsError('ValidationException', 'no'))).to.equal('input');
    const endpoint = Object.assign(new Error('Invalid Configuration'), { name: 'EndpointError' });
    expect(fieldOf(endpoint)).to.equal('endpoint');
  });

  it('uses the HTTP status for an unknown name', () => {
    const codeOf = (status: number) => toKeyWrapError(kmsError('NewException', 'x', status))?.code;
    expect(codeOf(400)).to.equal('INVALID_INPUT');
    expect(codeOf(401)).to.equal('ACCESS_DENIED');
    expect(codeOf(403)).to.equal('ACCESS_DENIED');
    expect(codeOf(429)).to.equal('THROTTLED');
    expect(codeOf(500)).to.equal('UNAVAILABLE');
    expect(codeOf(503)).to.equal('UNAVAILABLE');
  });

  it('leaves network errors to core, which reports an outage (UNAVAILABLE)', async () => {
    for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND']) {
      const { client } = stubbedClient(Object.assign(new Error('no way'), { code }));
      const error = await rejection(new KmsKeyWrapProvider({ client }).describeKey({ keyId: 'a' }));
      expect(error).to.include({ code: 'UNAVAILABLE', requestId: undefined });
      expect(error.message).to.contain(code);
    }
  });

  it('reports a response that is not HTTP, or not trusted, as an outage (UNAVAILABLE)', () => {
    for (const code of ['HPE_INVALID_CONSTANT', 'CERT_HAS_EXPIRED', 'SELF_SIGNED_CERT_IN_CHAIN']) {
      const error = toKeyWrapError(Object.assign(new Error('no way'), { code }));
      expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
      expect(error?.message).to.contain(`(${code}: no way)`);
    }
  });

  it('leaves unknown errors to core, which reports a fault (INTERNAL)', async () => {
    for (const thrown of [new TypeError('x'), 'text', undefined, null, 7]) {
      expect(toKeyWrapError(thrown)).to.equal(undefined);
    }
    const { client } = stubbedClient(new TypeError('x'));
    const error = await rejection(new KmsKeyWrapProvider({ client }).describeKey({ keyId: 'a' }));
    expect(error).to.include({ code: 'INTERNAL', retryable: false });
  });

  it('repeats neither an empty message nor the page that follows a signature error', () => {
    const silent = toKeyWrapError(kmsError('InvalidCiphertextException', 'UnknownError'));
    expect(silent?.message).to.match(/\(InvalidCiphertextException\)$/);
    const long = toKeyWrapError(
      kmsError('InvalidSignatureException', 'It does not match.\n\nThe Canonical String ...'),
    );
    expect(long?.message).to.match(/It does not match\.\)$/);
  });
});
