import { parentPort, workerData } from 'node:worker_threads';
import { Coverage } from './coverage.js';
import { CurrentInput } from './current-input.js';
import { type FuzzResult, fuzz } from './fuzz.js';
import type { FuzzTarget } from './target.js';

/** The task of a worker. */
export interface WorkerTask {
  readonly name: string;
  /** The URL of the module that exports the target among its `targets`. */
  readonly module: string;
  /** The URL prefix of the code that inputs should reach. */
  readonly code: string;
  readonly folder: string;
  readonly seed: number;
  readonly seconds: number;
  /** Of {@link CurrentInput}. */
  readonly shared: SharedArrayBuffer;
}

/** The response of a worker. */
export type WorkerResponse = FuzzResult | { readonly problem: string };

const { name, module, code, folder, seed, seconds, shared } = workerData as WorkerTask;
const coverage = new Coverage((url) => url.startsWith(code));
// Loaded when coverage is being counted: code that was compiled before is not counted by blocks.
const { targets }: { targets: readonly FuzzTarget[] } = await import(module);
const target = targets.find((candidate) => candidate.name === name);
if (target === undefined) throw new Error(`there is no target ${name}`);

const current = new CurrentInput(shared);
const opened = await target.open(folder);
const end = performance.now() + seconds * 1000;
const response: WorkerResponse = await fuzz(target, opened, coverage, {
  seed,
  goOn: () => !current.isStopped && performance.now() < end,
  onInput: (input) => current.write(input),
}).catch((error) => ({ problem: String(error.stack ?? error) }));
await opened.close?.();
coverage.close();
parentPort?.postMessage(response);
