import { strict as assert } from 'node:assert';
import { KeyWrapError, type KeyWrapErrorCode } from '@keywrap/core';
import type fc from 'fast-check';
import { leakInError } from '../../../packages/testkit/dist/leaks.js';
import type { Mutation } from './mutation.js';

/** A parser, and what has to hold for every input that it is given. */
export interface FuzzTarget {
  readonly name: string;
  /** Words of its format, which random bytes would hardly hit on. */
  readonly words: readonly string[];
  /** Changes to its inputs that bytes and words would hardly make. */
  readonly mutation?: fc.Arbitrary<Mutation>;
  /** @param folder An empty folder for its files; the caller removes the folder. */
  open(folder: string): Promise<OpenTarget>;
}

/** A target with all that it needs to take inputs. */
export interface OpenTarget {
  /** Valid inputs, made by the real encoders. */
  readonly seeds: readonly Uint8Array[];
  /** Runs the parser on an input. Throws if the parser does something that it must not do. */
  run(input: Uint8Array): void | Promise<void>;
  close?(): Promise<void>;
}

/**
 * Runs a parser, which returns a result or a documented error.
 *
 * @param codes The codes that it may reject with.
 * @param secrets What must not show in the error.
 * @returns `undefined` when it rejected.
 * @throws AssertionError when it threw anything else.
 */
export async function attempt<Result>(
  work: () => Result | Promise<Result>,
  codes: readonly KeyWrapErrorCode[],
  secrets: readonly Uint8Array[] = [],
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    assert.ok(
      error instanceof KeyWrapError,
      describe('it threw something other than a KeyWrapError', error),
    );
    assert.ok(codes.includes(error.code), describe(`it rejected with ${error.code}`, error));
    assert.ok(!hasMistake(error), describe('it rejected because of a programming error', error));
    const leak = leakInError(error, secrets);
    assert.ok(leak === undefined, `its error shows a secret ${leak}`);
    return undefined;
  }
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The text in these bytes; each byte that is not UTF-8 becomes U+FFFD. */
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Tells whether an unexpected error is the cause of this one, disguised as a rejection. */
function hasMistake({ cause }: Error): boolean {
  if (!(cause instanceof Error)) return false;
  // Errors of the system and of Node.js's checks have a code; programming errors have none.
  const isMistake = [TypeError, RangeError, ReferenceError, SyntaxError].some(
    (type) => cause instanceof type && !('code' in cause),
  );
  return isMistake || hasMistake(cause);
}

function describe(what: string, error: unknown): string {
  return `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
