import { InvalidInputError, parseKeyId, readEncryptionContext, readFields } from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';

/** Returns the thrown error, whose message must not repeat the huge input. */
function rejected(work: () => unknown): InvalidInputError {
  try {
    work();
  } catch (error) {
    expect(error).to.be.instanceOf(InvalidInputError);
    const { message, field } = error as InvalidInputError;
    expect(message.length).to.be.lessThan(500);
    expect(field.length).to.be.lessThan(200);
    return error as InvalidInputError;
  }
  throw new Error('it was not rejected');
}

// Shown by counting reads, not by a clock.
describe('Huge input is rejected before it is read', () => {
  const contextOf = (count: number, value: () => string) => {
    const context = {};
    for (let i = 0; i < count; i++) {
      Object.defineProperty(context, `key${i}`, { get: value, enumerable: true });
    }
    return context;
  };

  it('an encryption context of many pairs: none of its values is read', () => {
    const value = sinon.spy(() => 'v');
    rejected(() => readEncryptionContext(contextOf(100_000, value)));
    expect(value.callCount).to.equal(0);
  });

  it('an encryption context of long values: no more are read than fit', () => {
    const value = sinon.spy(() => 'v'.repeat(1000));
    rejected(() => readEncryptionContext(contextOf(2000, value)));
    expect(value.callCount).to.equal(9);
  });

  it('an encryption context of one value or key of many megabytes: not one character is looked at', () => {
    const isWellFormed = sinon.spy(String.prototype, 'isWellFormed');
    try {
      rejected(() => readEncryptionContext({ key: 'v'.repeat(2 ** 28) }));
      rejected(() => readEncryptionContext({ ['k'.repeat(2 ** 26)]: 'value' }));
      expect(isWellFormed.callCount).to.equal(0);
    } finally {
      isWellFormed.restore();
    }
  });

  it('a key identifier of many megabytes', () => {
    const exec = sinon.spy(RegExp.prototype, 'exec');
    try {
      for (const begin of ['', 'alias/', 'arn:aws:kms:eu-west-1:111122223333:key/']) {
        rejected(() => parseKeyId(begin + 'a'.repeat(2 ** 26)));
      }
      expect(exec.callCount).to.equal(0);
    } finally {
      exec.restore();
    }
  });

  it('an unknown field whose name is a megabyte long', () => {
    rejected(() => readFields({ ['n'.repeat(2 ** 20)]: 1 }, 'input', ['keyId']));
    rejected(() => readFields({ ['n'.repeat(2 ** 20)]: 1 }, 'options', ['signal']));
  });
});
