import type { KeyWrapError } from '@keywrap/core';
import { expect } from 'chai';

/** Casts a value that the types forbid, as plain JavaScript can pass it. */
export function js(value: unknown): never {
  return value as never;
}

/** Returns the error of a rejected promise. */
export async function rejection(promise: Promise<unknown>): Promise<KeyWrapError> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error as KeyWrapError;
  }
  throw new Error(`should have rejected, but gave ${typeof value}`);
}

/** Returns the error that a function throws. */
export function thrown(run: () => unknown): KeyWrapError {
  try {
    run();
  } catch (error) {
    return error as KeyWrapError;
  }
  throw new Error('should have thrown');
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** Expects a rejection of this class, with at least these properties. */
export async function expectRejection(
  promise: Promise<unknown>,
  type: ErrorClass,
  properties: object = {},
): Promise<KeyWrapError> {
  const error = await rejection(promise);
  expect(error).to.be.instanceOf(type);
  expect(error).to.deep.include(properties);
  return error;
}

/** Expects this class to be thrown, with at least these properties. */
export function expectThrown(
  run: () => unknown,
  type: ErrorClass,
  properties: object = {},
): KeyWrapError {
  const error = thrown(run);
  expect(error).to.be.instanceOf(type);
  expect(error).to.deep.include(properties);
  return error;
}
