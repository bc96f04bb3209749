import {
  aroundEach,
  KeyWrapError,
  type KeyWrapProvider,
  ProviderUnavailableError,
  withLayer,
} from '@keywrap/core';
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

/** A provider whose backend can be unplugged. */
export interface Breakable<Provider extends KeyWrapProvider> {
  readonly provider: Provider;
  /** The operations that reached it. */
  readonly calls: string[];
  isDown: boolean;
  /** The errors of its next calls, before it works again. */
  readonly errors: KeyWrapError[];
  /** Runs when a call reaches it. */
  onCall: (() => void) | undefined;
}

/** Puts a backend that can be unplugged under a provider. */
export function breakable<Provider extends KeyWrapProvider>(inner: Provider): Breakable<Provider> {
  const state: Breakable<Provider> = {
    calls: [],
    errors: [],
    isDown: false,
    onCall: undefined,
    provider: withLayer(inner, (driver) =>
      aroundEach(driver, async (operation, _request, _call, next) => {
        state.calls.push(operation);
        state.onCall?.();
        const error = state.errors.shift();
        if (error !== undefined) throw error;
        if (state.isDown) throw new ProviderUnavailableError('the cable is out');
        return next();
      }),
    ),
  };
  return state;
}
