import type { KeyWrapError } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf } from '../case.js';
import { check, describeError, expectBytes } from '../expect.js';
import { invoke, type KeyUse, type Result } from '../key-use.js';
import { useNumbered } from '../operations.js';
import { expectOpens, type Known, keyOf, seal } from '../round-trip.js';
import { manyOf } from '../statistics.js';
import { concurrency } from './at-once.js';

// A client that keeps connections may use one again in which the response to an aborted call is still under way.

/** More calls than any pool has connections; RSA is slow. */
const countOf = ({ kind }: KeyUse) => (kind === 'RSA_2048' ? 60 : 240);

/** Every third call is aborted: the third, the sixth, ... */
const isThird = (index: number) => index % 3 === 2;

/** How many turns of the event loop after the end of another call a call is aborted. */
const TURNS = [0, 0, 1, 0, 2];

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * Makes a call about each plaintext, all at once. When two have ended, the third is aborted, when five have, the sixth,
 * at that moment or a turn later: if calls wait for a connection, that one has it, whatever their number. Returns the
 * results, which are undefined for aborted calls.
 */
async function allAtOnce(
  use: KeyUse,
  context: CaseContext,
  all: readonly Known[],
  isToAbort: (index: number) => boolean,
): Promise<readonly (Result | undefined)[]> {
  const inputs = await Promise.all(all.map((known) => use.input(context, known)));
  const controllers = all.map(() => new AbortController());
  const inFlight = new Set([...all.keys()].filter(isToAbort));
  let ended = 0;
  const abortNext = async () => {
    if (!isThird(ended++ + 1)) return;
    const turns = TURNS[Math.floor(ended / 3) % TURNS.length] as number;
    for (let i = 0; i < turns; i++) await turn();
    const [next] = inFlight;
    if (next === undefined) return;
    inFlight.delete(next);
    controllers[next]?.abort();
  };
  const outcome = async (i: number) => {
    const { signal } = controllers[i] as AbortController;
    try {
      return await invoke(context.provider, use, inputs[i], { signal });
    } catch (error) {
      const isAborted = signal.aborted && (error as KeyWrapError).code === 'ABORTED';
      check(isAborted, `success of call ${i + 1}`, describeError(error), error);
      return undefined;
    } finally {
      inFlight.delete(i);
      void abortNext();
    }
  };
  return Promise.all(inputs.map((_, i) => outcome(i)));
}

/** Fails the case unless the result of each call is about the plaintext of that call. */
async function expectOwnResults(
  use: KeyUse,
  context: CaseContext,
  all: readonly Known[],
  isToAbort: (index: number) => boolean,
): Promise<void> {
  const results = await allAtOnce(use, context, all, isToAbort);
  const what = 'the plaintext of this call';
  const made: Known[] = [];
  for (const [i, known] of all.entries()) {
    const result = results[i];
    if (result === undefined) continue;
    const isNew = use.operation === 'generateDataKey';
    if (use.returns.includes('plaintext') && !isNew) {
      expectBytes(result.plaintext, known.plaintext, what);
    }
    if (!use.returns.includes('ciphertext')) continue;
    const plaintext = isNew ? result.plaintext : known.plaintext;
    made.push({ ...known, plaintext, ciphertext: result.ciphertext });
  }
  await manyOf(made.length, (i) => expectOpens(context.provider, made[i] as Known, what));
}

export const abortedAtOnceCases = casesOf(
  concurrency,
  ['01', '02', '03', '05', '06', '11'].map(useNumbered).map(
    (use): CaseInput => ({
      id: `ATO-8${use.number}`,
      title: `${use.title}: of ${countOf(use)} calls in flight every third is aborted, and no other gets its result`,
      needs: use.needs,
      profile: 'full',
      async run(context) {
        const key = await keyOf(context, use.kind);
        const all = await manyOf(countOf(use), () => seal(context, key));
        await expectOwnResults(use, context, all, isThird);
        // What an aborted call left behind, the next calls may get.
        await expectOwnResults(use, context, all.slice(0, 48), () => false);
      },
    }),
  ),
);
