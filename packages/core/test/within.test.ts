import { ProviderUnavailableError, within } from '@keywrap/core';
import { expect } from 'chai';
import { expectRejection } from './support/failures.js';

describe('within', () => {
  it('returns what the work returns, and rejects as it does', async () => {
    expect(await within(60_000, 'it took long', async () => 7)).to.equal(7);
    const failed = new RangeError('no');
    const error = await within(60_000, 'it took long', () => Promise.reject(failed)).catch(
      (caught: unknown) => caught,
    );
    expect(error).to.equal(failed);
  });

  it('aborts work that takes longer, and does not wait for it (UNAVAILABLE)', async () => {
    let its: AbortSignal | undefined;
    const work = (signal: AbortSignal) => {
      its = signal;
      return new Promise<never>(() => {});
    };
    const call = within(10, 'the server did not answer', work);
    const error = await expectRejection(call, ProviderUnavailableError, { retryable: true });
    expect(error.message).to.equal('the server did not answer within 10 ms');
    expect(its?.aborted).to.equal(true);
  });
});
