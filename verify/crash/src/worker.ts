import { KeyWrapError } from '@keywrap/core';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import {
  after,
  type Change,
  type Contents,
  chooseChange,
  makeChange,
  readContents,
} from './changes.js';
import { JournalWriter } from './journal.js';
import { protection } from './protection.js';
import { newSeed, randomOf } from './random.js';

// A process that changes a store at random, and records what the store acknowledges, until it has made all its
// changes or is killed.

/** The task of a worker, as JSON in its only argument. */
export interface WorkerOptions {
  readonly location: string;
  readonly journal: string;
  /** The prefix of its keys and aliases. */
  readonly name: string;
  /** A different one each time a worker of this name is started. */
  readonly run: number;
  /** The number of changes to make; by default without end. */
  readonly changes?: number;
  readonly seed?: number;
}

const options = JSON.parse(process.argv[2] as string) as WorkerOptions;
const { location, journal, name, run, changes = Number.POSITIVE_INFINITY } = options;
const random = randomOf(options.seed ?? newSeed());
const lines = new JournalWriter(journal);
const store = await untilPossible(() =>
  SqlKeyStore.open({ location, protectedBy: protection(), create: true }),
);
let contents = await untilPossible(() => readContents(store, name));
lines.write({ ready: true });
for (let count = 0; count < changes; count++) {
  await make(chooseChange(contents, `${name}-${run}-${count}`, random));
}
await store.close();

async function make(change: Change): Promise<void> {
  lines.write({ begin: change });
  try {
    await makeChange(store, change, contents);
    contents = after(contents, change);
    lines.write({ done: change });
  } catch (error) {
    if (!(error instanceof KeyWrapError)) throw error;
    const mayBeMade = error.message.includes('may have been made');
    lines.write({ failed: change, code: error.code, mayBeMade });
    const found = await untilPossible(() => readContents(store, name));
    lines.write({ settled: change, isMade: !isSame(found, contents) });
    contents = found;
  }
}

/** Tries again while the disk is full or the database is unavailable. */
async function untilPossible<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KeyWrapError && error.retryable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function isSame(one: Contents, other: Contents): boolean {
  return JSON.stringify([...one].sort()) === JSON.stringify([...other].sort());
}
