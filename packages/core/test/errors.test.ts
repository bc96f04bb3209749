import { inspect } from 'node:util';
import type * as core from '@keywrap/core';
import {
  AbortError,
  AccessDeniedError,
  createProvider,
  IncorrectKeyError,
  InvalidCiphertextError,
  InvalidInputError,
  InvalidKeyUsageError,
  isKeyWrapError,
  KeyDisabledError,
  KeyNotFoundError,
  KeyStateError,
  KeyWrapError,
  type KeyWrapErrorCode,
  type KeyWrapErrorOptions,
  ProviderClosedError,
  ProviderUnavailableError,
  registerErrorClass,
  ThrottledError,
  UnsupportedOperationError,
  UntrustedKeyError,
  withCallDetails,
} from '@keywrap/core';
import { expect } from 'chai';
import { otherCopy } from './support/other-copy.js';
import { minimalDriver } from './support/scripted-driver.js';

type ErrorClass = new (message: string, options?: KeyWrapErrorOptions) => KeyWrapError;

const ERRORS: readonly [KeyWrapErrorCode, string, ErrorClass, boolean][] = [
  ['KEY_NOT_FOUND', 'KeyNotFoundError', KeyNotFoundError, false],
  ['KEY_DISABLED', 'KeyDisabledError', KeyDisabledError, false],
  ['KEY_STATE', 'KeyStateError', KeyStateError, false],
  ['KEY_USAGE', 'InvalidKeyUsageError', InvalidKeyUsageError, false],
  ['INCORRECT_KEY', 'IncorrectKeyError', IncorrectKeyError, false],
  ['INVALID_CIPHERTEXT', 'InvalidCiphertextError', InvalidCiphertextError, false],
  ['UNSUPPORTED', 'UnsupportedOperationError', UnsupportedOperationError, false],
  ['UNTRUSTED_KEY', 'UntrustedKeyError', UntrustedKeyError, false],
  ['ACCESS_DENIED', 'AccessDeniedError', AccessDeniedError, false],
  ['THROTTLED', 'ThrottledError', ThrottledError, true],
  ['UNAVAILABLE', 'ProviderUnavailableError', ProviderUnavailableError, true],
  ['CLOSED', 'ProviderClosedError', ProviderClosedError, false],
  ['ABORTED', 'AbortError', AbortError, false],
];

describe('errors', () => {
  for (const [code, name, Type, retryable] of ERRORS) {
    it(`${name} has the code ${code} and ${retryable ? 'is' : 'is not'} retryable`, () => {
      const error = new Type('what happened');

      expect(error).to.be.instanceOf(KeyWrapError).and.instanceOf(Error).and.instanceOf(Type);
      expect(error).to.include({ code, name, retryable, message: 'what happened' });
      expect(inspect(error)).to.match(new RegExp(`^${name}: what happened\n`));
    });

    it(`${name} is not another error of the list`, () => {
      const error = new Type('');
      const classes = ERRORS.filter(([, , Other]) => error instanceof Other).map(([own]) => own);
      expect(classes).to.deep.equal([code]);
    });
  }

  it('InvalidInputError names the field in a property and in front of the message', () => {
    const error = new InvalidInputError('source.keyId', 'must not be empty');

    expect(error).to.be.instanceOf(KeyWrapError);
    expect(error).to.include({
      code: 'INVALID_INPUT',
      name: 'InvalidInputError',
      retryable: false,
      field: 'source.keyId',
      message: 'source.keyId must not be empty',
    });
  });

  it('carry the operation, the key id, the request id and the cause', () => {
    const cause = new Error('underneath');
    const error = new ThrottledError('slow down', {
      operation: 'encrypt',
      keyId: 'alias/orders',
      requestId: 'request-1',
      cause,
    });

    expect(error).to.include({
      operation: 'encrypt',
      keyId: 'alias/orders',
      requestId: 'request-1',
    });
    expect(error.cause).to.equal(cause);
  });

  it('have no cause, not even an undefined one, without an underlying error', () => {
    expect(new KeyNotFoundError('')).not.to.have.property('cause');
  });

  it('omit the cause in JSON, so that logs do not grow', () => {
    const error = new ThrottledError('slow down', { cause: new Error('underneath') });
    expect(JSON.parse(JSON.stringify(error))).to.deep.equal({
      code: 'THROTTLED',
      name: 'ThrottledError',
      retryable: true,
    });
  });

  it('show their code and cause when they are inspected', () => {
    const shown = inspect(new ThrottledError('slow down', { cause: new Error('underneath') }));
    expect(shown).to.include('slow down').and.include("'THROTTLED'").and.include('underneath');
  });
});

describe('errors of two copies of the package', () => {
  let other: typeof core;
  before(async () => {
    other = await otherCopy();
  });

  for (const [code, name, Type] of ERRORS) {
    it(`${name} of a minified copy has its name and code, and is recognised`, () => {
      const Other = other[name as keyof typeof core] as ErrorClass;
      const error = new Other('what happened');
      expect(Other).not.to.equal(Type);
      expect(error).to.include({ name, code });
      expect(error).to.be.instanceOf(Type).and.instanceOf(KeyWrapError);
      expect(error.stack).to.match(new RegExp(`^${name}: what happened\n`));
      expect(isKeyWrapError(error)).to.equal(true);
      expect(new Type('')).to.be.instanceOf(Other).and.instanceOf(other.KeyWrapError);
      const classes = ERRORS.filter(([, , Class]) => error instanceof Class).map(([own]) => own);
      expect(classes).to.deep.equal([code]);
    });
  }

  it('keep their code on the way through a provider of the other copy', async () => {
    const driver = minimalDriver({
      encrypt() {
        throw new other.KeyDisabledError('disabled over there');
      },
    });
    const call = createProvider(driver).encrypt({ keyId: 'a', plaintext: new Uint8Array(1) });
    const error = await call.catch((caught: unknown) => caught);
    expect(error).to.include({ code: 'KEY_DISABLED', operation: 'encrypt', keyId: 'a' });
  });

  it('are not recognised in what only looks like one', () => {
    for (const value of [undefined, null, 1, 'text', {}, new Error(), { code: 'KEY_STATE' }]) {
      expect(isKeyWrapError(value)).to.equal(false);
    }
  });

  it('of a class that is registered keep its name, and of one that is not are its own only', () => {
    class Mine extends ThrottledError {}
    class Registered extends ThrottledError {}
    registerErrorClass(Registered, 'HsmBusyError');
    expect(new Registered('').name).to.equal('HsmBusyError');
    expect(new Mine('').name).to.equal('Mine');
    expect(new Mine('')).to.be.instanceOf(ThrottledError).and.not.instanceOf(Registered);
    expect(new ThrottledError('')).not.to.be.instanceOf(Mine).and.not.instanceOf(Registered);
  });
});

describe('withCallDetails', () => {
  it('adds the operation and the key id, and returns the same error', () => {
    const error = new KeyDisabledError('');

    expect(withCallDetails(error, 'decrypt', { keyId: 'alias/orders' })).to.equal(error);
    expect(error).to.include({ operation: 'decrypt', keyId: 'alias/orders' });
  });

  it('keeps the details that the error has', () => {
    const error = new KeyDisabledError('', { operation: 'createKey', keyId: 'the ARN' });
    withCallDetails(error, 'decrypt', { keyId: 'alias/orders' });
    expect(error).to.include({ operation: 'createKey', keyId: 'the ARN' });
  });

  it("uses the destination's key id of a request with two sides", () => {
    const request = { source: { keyId: 'old' }, destination: { keyId: 'new' } };
    expect(withCallDetails(new KeyStateError(''), 'reEncrypt', request).keyId).to.equal('new');
  });

  it("uses the source's key id for a wrong key and a failed decryption", () => {
    const request = { source: { keyId: 'old' }, destination: { keyId: 'new' } };
    for (const error of [new IncorrectKeyError(''), new InvalidCiphertextError('')]) {
      expect(withCallDetails(error, 'reEncrypt', request).keyId).to.equal('old');
    }
    const unnamed = withCallDetails(new InvalidCiphertextError(''), 'reEncrypt', {
      destination: { keyId: 'new' },
    });
    expect(unnamed.keyId).to.equal(undefined);
  });

  it('leaves the key id out when the call did not name one', () => {
    expect(withCallDetails(new KeyStateError(''), 'decrypt').keyId).to.equal(undefined);
  });
});
