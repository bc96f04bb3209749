import { readFileSync } from 'node:fs';
import { KeyWrapError, type KeyWrapErrorCode } from '@keywrap/core';
import {
  type LocalKeyWrapOptions,
  LocalKeyWrapProvider,
  MemoryKeyStore,
} from '@keywrap/provider-local';
import { expect } from 'chai';

/** The engines, by the name under which a provider takes them. */
export const ENGINES = ['node', 'forge'] as const;

/** A file of key material; the compiled tests are in another folder, so the path starts at the package. */
export const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../test/key-files/fixtures/${name}`, import.meta.url));

/** The passphrase of the encrypted fixtures. */
export const PASSPHRASE = 'correct-horse';

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const randomBytes = (length: number): Uint8Array =>
  crypto.getRandomValues(new Uint8Array(length));

/** Returns the error that the promise rejects with, which must be one of the contract. */
export async function rejection(promise: Promise<unknown>): Promise<KeyWrapError> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(KeyWrapError);
    return error as KeyWrapError;
  }
  throw new Error('it did not reject');
}

/** Expects an error with this code and, for `INVALID_INPUT`, this field. */
export async function expectRejection(
  promise: Promise<unknown>,
  code: KeyWrapErrorCode,
  field?: string,
): Promise<void> {
  const error = await rejection(promise);
  expect(error.code, error.message).to.equal(code);
  if (field !== undefined) expect(error, error.message).to.have.property('field', field);
}

/** Returns the error that the function throws, which must be one of the contract. */
export function thrown(work: () => unknown): Promise<KeyWrapError> {
  return rejection(new Promise((resolve) => resolve(work())));
}

/** All rows of a list of a store. */
export const ALL = { scope: undefined, after: undefined, limit: 1000 } as const;

/** The default scope of a provider. */
export const HOME = { partition: 'aws', region: 'us-east-1', account: '111122223333' } as const;

const DAY = 24 * 60 * 60 * 1000;

/** A clock that tests move. */
export class Clock {
  #time = Date.UTC(2026, 0, 1);

  readonly now = (): Date => new Date(this.#time);

  passDays(days: number): void {
    this.#time += days * DAY;
  }
}

/** A provider with a store and a clock that a test can reach into. */
export function open(options: LocalKeyWrapOptions = {}) {
  const clock = new Clock();
  const store = new MemoryKeyStore();
  const provider = new LocalKeyWrapProvider({ store, now: clock.now, ...options });
  return { provider, store, clock };
}

/** The id at the end of an ARN. */
export const idOf = (arn: string): string => arn.slice(arn.indexOf(':key/') + ':key/'.length);
