import {
  AccessDeniedError,
  askForCredential,
  InternalError,
  InvalidInputError,
  KeyWrapError,
  readCount,
  readDelay,
  ThrottledError,
} from '@keywrap/core';
import { expect } from 'chai';
import { expectRejection, expectThrown } from './support/failures.js';

describe('readCount and readDelay', () => {
  it('accept integers from 1 to the maximum', () => {
    expect([readCount(1, 'options.n', 8), readCount(8, 'options.n', 8)]).to.deep.equal([1, 8]);
    expect(readDelay(2 ** 31 - 1, 'options.wait')).to.equal(2 ** 31 - 1);
  });

  it('reject everything else, and name the option (INVALID_INPUT)', () => {
    for (const value of [0, 9, -1, 1.5, Number.NaN, '1', null, undefined, 1n, [1]]) {
      const read = () => readCount(value, 'options.n', 8);
      const error = expectThrown(read, InvalidInputError, { field: 'options.n' });
      expect(error.message).to.include('an integer from 1 to 8');
    }
    expectThrown(() => readDelay(2 ** 31, 'options.wait'), InvalidInputError);
  });
});

describe('askForCredential', () => {
  const ask = (source: () => unknown) =>
    askForCredential(source, 'options.pin', (text) => /^\d+$/.test(text));

  it('returns what the function returns, now or later', async () => {
    expect(await ask(() => '1234')).to.equal('1234');
    expect(await ask(async () => '1234')).to.equal('1234');
  });

  it('takes a failure of the function, and anything but a credential, for a mistake (ACCESS_DENIED)', async () => {
    const failures: readonly (() => unknown)[] = [
      () => {
        throw new Error('no file');
      },
      () => Promise.reject(Object.assign(new Error('no file'), { code: 'ENOENT' })),
      () => Promise.reject(Object.assign(new Error('denied'), { status: 401 })),
      () => undefined,
      () => '',
      () => 1234,
      () => 'hunter2',
    ];
    for (const source of failures) {
      const error = await expectRejection(ask(source), AccessDeniedError);
      expect(error.message).to.include('options.pin').and.not.include('hunter2');
    }
  });

  it('does not take an outage of the server that the function asks for a mistake (UNAVAILABLE, THROTTLED)', async () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const sources: readonly (() => unknown)[] = [
      () => Promise.reject(new TypeError('fetch failed', { cause: refused })),
      () => Promise.reject(Object.assign(new Error('busy'), { status: 503 })),
      // It may unwrap the credential by another provider.
      () => Promise.reject(new ThrottledError('later')),
    ];
    for (const source of sources) {
      const error = await ask(source).catch((caught: unknown) => caught);
      expect(error).to.be.instanceOf(KeyWrapError).and.include({ retryable: true });
    }
  });

  it('takes a bug of the function for neither (INTERNAL)', async () => {
    const missing = () => (undefined as unknown as { readonly token: string }).token;
    const unknownName = () => {
      throw new ReferenceError('tokn is not defined');
    };
    for (const source of [missing, async () => missing(), unknownName]) {
      const error = await expectRejection(ask(source), InternalError, { retryable: false });
      expect(error.message).to.include('options.pin');
    }
  });
});
