import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Findings, searchMemory, searchSnapshot } from './search.js';
import type { Ready } from './wait-to-be-searched.js';

/** The secrets that a program still held when it was done. */
export interface Remains {
  /** The number of secrets that were searched for. */
  readonly secrets: number;
  readonly memory: Findings;
  readonly snapshot: Findings;
}

/** @param program Its name in this folder. */
export async function searchProgram(
  program: string,
  args: readonly string[] = [],
): Promise<Remains> {
  const file = fileURLToPath(new URL(`${program}.js`, import.meta.url));
  const child = fork(file, [...args], {
    execArgv: ['--expose-gc'],
    // Coverage keeps counts in the searched memory.
    env: { ...process.env, NODE_V8_COVERAGE: '', NODE_OPTIONS: '' },
  });
  const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-attacks-'));
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`${program} ended (${code}) before it was searched`);
  });
  exited.catch(() => {});
  try {
    const [{ needles }] = (await Promise.race([once(child, 'message'), exited])) as [Ready];
    const memory = searchMemory(child.pid as number, needles);
    const snapshot = path.join(folder, 'snapshot.json');
    child.send(snapshot);
    await Promise.race([once(child, 'message'), exited]);
    return { secrets: needles.length, memory, snapshot: searchSnapshot(snapshot, needles) };
  } finally {
    child.kill();
    await rm(folder, { recursive: true });
  }
}
