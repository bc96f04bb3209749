import type { KeyWrapProvider } from '@keywrap/core';
import { describeError, Mismatch } from './expect.js';
import { intercept } from './intercept.js';
import { bytesIn, describeOutcome, type Journal } from './journal.js';

/**
 * The provider under test with somebody looking over its shoulder: every call is written down, and
 * every error of every case is searched for the secrets of that case.
 */
export function observe(provider: KeyWrapProvider, journal: Journal): KeyWrapProvider {
  return intercept(provider, (name, call, [input]) =>
    // What disposes may give no promise.
    typeof name === 'symbol'
      ? watch(journal, `[${name.description}]`, input, async () => call())
      : watch(journal, name, input, call),
  );
}

function watch(
  journal: Journal,
  operation: string,
  input: unknown,
  call: () => unknown,
): Promise<unknown> {
  const finish = journal.begin(operation, input);
  const bytes = bytesIn(input);
  let promise: Promise<unknown>;
  try {
    promise = call() as Promise<unknown>;
  } catch (error) {
    finish(`threw ${describeError(error)}`);
    throw new Mismatch(
      'a promise, which rejects when something is wrong',
      'an error thrown at once',
    );
  }
  if (typeof promise?.then !== 'function') {
    throw new Mismatch('a promise', describeOutcome(promise));
  }
  const watched = promise.then(
    (result) => {
      finish(describeOutcome(result));
      keepSecrets(journal, result);
      return result;
    },
    (error: unknown) => {
      journal.expectNoLeak(error, bytes);
      finish(describeError(error));
      throw error;
    },
  );
  // A case that failed already does not wait for its other calls; their rejections are no crash.
  watched.catch(() => {});
  return watched;
}

function keepSecrets(journal: Journal, result: unknown): void {
  const { plaintext, privateKey } = (result ?? {}) as Record<string, unknown>;
  for (const secret of [plaintext, privateKey]) {
    if (secret instanceof Uint8Array) journal.keepSecret(secret);
  }
}
