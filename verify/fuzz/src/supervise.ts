import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { CurrentInput } from './current-input.js';
import type { FuzzResult } from './fuzz.js';
import type { WorkerResponse, WorkerTask } from './worker.js';

/** Longest time that one input may take, in milliseconds: key derivations ask for up to two million rounds. */
const INPUT_TIMEOUT = 30_000;
const TARGETS = new URL('./targets.js', import.meta.url).href;
const PACKAGES = new URL('../../../packages/', import.meta.url).href;
/** For all that a worker keeps, in MiB. */
const MEMORY = 512;

/** An input that a target failed on. */
export interface Finding {
  readonly input: Uint8Array;
  readonly problem: string;
  /** The number of inputs until it was found. */
  readonly inputs: number;
}

/** The result of one target. */
export interface Outcome {
  readonly name: string;
  readonly result: FuzzResult | Finding;
}

/** How long, and with which inputs. */
export interface SuperviseOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
  /** The URL of a module that exports other `targets` than keywrap's. */
  readonly module?: string | undefined;
  /** The URL prefix of the code that inputs should reach; by default that of keywrap's packages. */
  readonly code?: string | undefined;
  /** Longest time for one input, in milliseconds, if not half a minute. */
  readonly timeout?: number | undefined;
}

/** Fuzzes one target in a separate thread, so that an input which hangs or exhausts it is found too. */
export async function supervise(
  name: string,
  {
    seed,
    seconds,
    signal,
    module = TARGETS,
    code = PACKAGES,
    timeout = INPUT_TIMEOUT,
  }: SuperviseOptions,
): Promise<Outcome> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-fuzz-'));
  const current = new CurrentInput();
  const stop = () => current.stop();
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  try {
    const task = { name, module, code, folder, seed, seconds, shared: current.buffer };
    const response = await runWorker(task, current, timeout);
    if (!('problem' in response)) return { name, result: response };
    return { name, result: { ...response, input: current.read(), inputs: current.count } };
  } finally {
    signal?.removeEventListener('abort', stop);
    await rm(folder, { recursive: true, force: true });
  }
}

async function runWorker(
  workerData: WorkerTask,
  current: CurrentInput,
  timeout: number,
): Promise<WorkerResponse> {
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY },
  });
  let watch: NodeJS.Timeout | undefined;
  try {
    return await new Promise<WorkerResponse>((resolve) => {
      worker.once('message', resolve);
      worker.once('error', (error) => resolve({ problem: String(error.stack ?? error) }));
      worker.once('exit', (code) => resolve({ problem: `it ended its thread with ${code}` }));
      let known = -1;
      watch = setInterval(() => {
        if (current.count === known) {
          resolve({ problem: `it takes longer than ${timeout / 1000} seconds` });
        }
        known = current.count;
      }, timeout);
    });
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}
