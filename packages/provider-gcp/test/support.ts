import { KeyWrapError } from '@keywrap/core';
import { expect } from 'chai';

/** Returns the error of a rejected promise, which must be one of the contract. */
export async function rejection(promise: Promise<unknown>): Promise<KeyWrapError> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(KeyWrapError);
    return error as KeyWrapError;
  }
  throw new Error('it did not reject');
}
