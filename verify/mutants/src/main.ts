import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { PROFILES, type Profile } from '@keywrap/testkit';
import { blindMutants } from './blind/index.js';
import { mutants } from './index.js';
import { judgeMutant, prove, type Verdict } from './judge.js';
import { type BlindVerdict, judgeBlind, judgeRight } from './judge-blind.js';
import { formatBlind, formatVerdicts } from './table.js';

// Runs the suite against every mutant, in as many threads as there are processors, and prints what came of it. Exits
// with 1 when a mutant survives or a case catches none, or when it catches less than nine in ten of those that were written
// blind. `--set b` judges one set of these alone, and `--profile soak` by all cases.

/** The part of the blind mutants that must be caught. */
const ENOUGH = 0.9;

/** One piece of work for a thread. */
type Task =
  | { readonly kind: 'own' | 'blind'; readonly index: number; readonly profile: Profile }
  | { readonly kind: 'right'; readonly profile: Profile };

type Outcome = Verdict | BlindVerdict | readonly string[];

async function outcomeOf(task: Task): Promise<Outcome> {
  if (task.kind === 'right') return judgeRight(task.profile);
  if (task.kind === 'own') return judgeMutant(mutants[task.index] as (typeof mutants)[number]);
  return judgeBlind(blindMutants[task.index] as (typeof blindMutants)[number], task.profile);
}

/** Hands every task to the next thread that is free, and returns the outcomes in order. */
async function judgeAll(tasks: readonly Task[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const queue = tasks.entries();
  let done = 0;
  const work = async () => {
    // What a mutant logs is not of interest.
    const worker = new Worker(new URL(import.meta.url), { stdout: true, stderr: true });
    worker.stdout.resume();
    worker.stderr.resume();
    try {
      for (const [index, task] of queue) {
        worker.postMessage(task);
        // An error of the thread rejects it.
        const [outcome] = await once(worker, 'message');
        outcomes[index] = outcome as Outcome;
        show(`${++done} of ${tasks.length} judged`);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 8) }, work));
  show('');
  return outcomes;
}

function show(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { set: { type: 'string' }, profile: { type: 'string', default: 'full' } },
  });
  const profile = PROFILES.find((each) => each === values.profile);
  if (profile === undefined) throw new Error(`--profile is one of ${PROFILES.join(', ')}`);
  const own = values.set === undefined ? mutants : [];
  // The longest first, so that no thread is left with one of these at the end.
  const tasks: Task[] = [
    { kind: 'right', profile },
    ...[...blindMutants.keys()]
      .filter((index) => [undefined, blindMutants[index]?.set].includes(values.set as 'a'))
      .map((index) => ({ kind: 'blind', index, profile }) as const),
    ...own.map((_, index) => ({ kind: 'own', index, profile }) as const),
  ];
  const outcomes = await judgeAll(tasks);
  const of = <T extends Outcome>(kind: Task['kind']) =>
    outcomes.filter((_, index) => tasks[index]?.kind === kind) as T[];

  const verdicts = of<Verdict>('own');
  const blind = of<BlindVerdict>('blind');
  const survivors = blind.filter(({ caughtBy }) => caughtBy === undefined);
  const falseAlarms = of<readonly string[]>('right').flat();
  console.log(formatBlind({ survivors, total: blind.length, falseAlarms }));
  const isEnough = blind.length - survivors.length >= ENOUGH * blind.length;
  let isProved = isEnough && falseAlarms.length === 0;
  if (own.length > 0) {
    console.log(formatVerdicts(verdicts));
    const { survivors: ownSurvivors, idle } = prove(verdicts);
    isProved &&= ownSurvivors.length + idle.length === 0;
  }
  process.exitCode = isProved ? 0 : 1;
}

if (isMainThread) await main();
else {
  parentPort?.on('message', async (task: Task) => parentPort?.postMessage(await outcomeOf(task)));
}
