import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { CurrentInput } from './current-input.js';
import type { FuzzResult } from './fuzz.js';
import type { WorkerAnswer, WorkerTask } from './worker.js';

/** Longest time that one input may take, in milliseconds. */
const INPUT_TIMEOUT = 30_000;
/** For all that a worker keeps, in MiB. */
const MEMORY = 512;

/** An input that a target did not stand up to. */
export interface Finding {
  readonly input: Uint8Array;
  readonly problem: string;
}

/** What came of one target. */
export interface Outcome {
  readonly name: string;
  readonly result: FuzzResult | Finding;
}

/** How long, and with which inputs. */
export interface SuperviseOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** Fuzzes one target in a thread of its own, so that an input which hangs or exhausts it is found too. */
export async function supervise(name: string, options: SuperviseOptions): Promise<Outcome> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-fuzz-'));
  try {
    return { name, result: await runWorker({ name, folder, ...options }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runWorker(
  options: SuperviseOptions & Pick<WorkerTask, 'name' | 'folder'>,
): Promise<FuzzResult | Finding> {
  const { signal, ...task } = options;
  const current = new CurrentInput();
  const stop = () => current.stop();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: { ...task, shared: current.buffer } satisfies WorkerTask,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY },
  });
  let watch: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<WorkerAnswer>((resolve) => {
      worker.once('message', resolve);
      worker.once('error', (error) => resolve({ problem: String(error.stack ?? error) }));
      worker.once('exit', (code) => resolve({ problem: `it ended its thread with ${code}` }));
      let known = -1;
      watch = setInterval(() => {
        if (current.count === known) {
          resolve({ problem: `it takes longer than ${INPUT_TIMEOUT / 1000} seconds` });
        }
        known = current.count;
      }, INPUT_TIMEOUT);
    });
    return 'problem' in answer ? { ...answer, input: current.read() } : answer;
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', stop);
    await worker.terminate();
  }
}
