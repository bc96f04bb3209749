import { isUint8Array, type KeyWrapProvider } from '@keywrap/core';
import { describeError, expectResultClass, Mismatch } from './expect.js';
import { intercept } from './intercept.js';
import { bytesIn, describeOutcome, type Journal } from './journal.js';

/**
 * Observes the provider under test: records every call, and searches every error of a case for the secrets of that
 * case.
 */
export function observe(provider: KeyWrapProvider, journal: Journal): KeyWrapProvider {
  return intercept(provider, (name, call, [input]) =>
    // A dispose method need not return a promise.
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
    throw new Mismatch('a rejected promise', 'a synchronous error');
  }
  if (typeof promise?.then !== 'function') {
    throw new Mismatch('a promise', describeOutcome(promise));
  }
  const watched = promise.then(
    (result) => {
      finish(describeOutcome(result));
      expectResultClass(operation, result);
      keepSecrets(journal, result);
      return result;
    },
    (error: unknown) => {
      journal.expectNoLeak(error, bytes);
      finish(describeError(error));
      throw error;
    },
  );
  // A failed case does not await its other calls; their rejections must not crash the process.
  watched.catch(() => {});
  return watched;
}

function keepSecrets(journal: Journal, result: unknown): void {
  const { plaintext, privateKey } = (result ?? {}) as Record<string, unknown>;
  for (const secret of [plaintext, privateKey]) {
    if (isUint8Array(secret)) journal.keepSecret(secret);
  }
}
