import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { PROFILES, type Profile } from '@keywrap/testkit';
import { blindMutants } from './blind/index.js';
import { mutants } from './index.js';
import { judgeMutant, prove, type Verdict } from './judge.js';
import { type BlindVerdict, judgeBlind } from './judge-blind.js';
import { readKillers, renewed, writeKillers } from './killers.js';
import { formatBlind, formatVerdicts } from './table.js';

// Runs against every mutant the cases that are known to catch it. Exits with 1 when a mutant survives, a case catches none,
// or less than three in four of those that were written blind are caught: some are wrong once in many calls, and are caught
// by luck.
// `--all` runs all cases of its rule against every mutant, and `--update` writes into killers.json what came of that.
// `--set b` judges one set of the blind ones alone, and `--profile soak` looks for what catches them in that profile too.

/** The part of the blind mutants that must be caught: those that chance decides about must not fail the proof. */
const ENOUGH = 0.75;

/** One piece of work for a thread. */
interface Task {
  readonly kind: 'own' | 'blind';
  readonly index: number;
  readonly profile: Profile;
  readonly isWhole: boolean;
}

type Outcome = Verdict | BlindVerdict;

const killers = readKillers();

async function outcomeOf({ kind, index, profile, isWhole }: Task): Promise<Outcome> {
  if (kind === 'own') {
    const mutant = mutants[index] as (typeof mutants)[number];
    return judgeMutant(mutant, isWhole ? [] : killers.own[mutant.name]);
  }
  const mutant = blindMutants[index] as (typeof blindMutants)[number];
  const known = killers.blind[mutant.name];
  // A known survivor is looked at again with all cases alone.
  return judgeBlind(mutant, profile, isWhole ? (known ?? undefined) : known, isWhole);
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
  // Two for each processor: a provider that hangs leaves it idle until the case's time-out.
  await Promise.all(Array.from({ length: 2 * Math.min(availableParallelism(), 8) }, work));
  show('');
  return outcomes;
}

function show(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      set: { type: 'string' },
      profile: { type: 'string', default: 'full' },
      all: { type: 'boolean', default: false },
      update: { type: 'boolean', default: false },
    },
  });
  const profile = PROFILES.find((each) => each === values.profile);
  if (profile === undefined) throw new Error(`--profile is one of ${PROFILES.join(', ')}`);
  const isWhole = values.all || values.update;
  const isIn = (set?: string) => values.set === undefined || values.set === set;
  const tasksOf = (
    kind: Task['kind'],
    all: readonly { readonly name: string; readonly set?: string }[],
  ): Task[] =>
    [...all.keys()]
      .filter((index) => isIn(all[index]?.set))
      .map((index) => ({ kind, index, profile, isWhole }));
  // The longest first, so that no thread is left with one of these at the end.
  const tasks = [...tasksOf('blind', blindMutants), ...tasksOf('own', mutants)];
  const outcomes = await judgeAll(tasks);
  const of = <T extends Outcome>(kind: Task['kind']) =>
    outcomes.filter((_, index) => tasks[index]?.kind === kind) as T[];

  const verdicts = of<Verdict>('own');
  const blind = of<BlindVerdict>('blind');
  if (values.update) writeKillers(renewed(killers, verdicts, blind));
  const survivors = blind.filter(({ caughtBy }) => caughtBy === undefined);
  let isProved = blind.length - survivors.length >= ENOUGH * blind.length;
  if (verdicts.length > 0) {
    console.log(formatVerdicts(verdicts));
    const { survivors: ownSurvivors, idle } = prove(verdicts);
    isProved &&= ownSurvivors.length + idle.length === 0;
  }
  console.log(formatBlind({ survivors, total: blind.length }));
  process.exitCode = isProved ? 0 : 1;
}

if (isMainThread) await main();
else {
  // Cases that end after some seconds would make too few calls on a slow machine.
  const now = performance.now.bind(performance);
  performance.now = () => now() / 20;
  // Of a mutant: a case counts them.
  process.on('unhandledRejection', () => {});
  parentPort?.on('message', async (task: Task) => parentPort?.postMessage(await outcomeOf(task)));
}
