import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { mutants } from './index.js';
import { judgeMutant, prove, type Verdict } from './judge.js';
import { formatVerdicts } from './table.js';

// Runs the suite against every mutant, in as many threads as there are processors, and prints what
// came of it. Exits with 1 when a mutant survives or a case catches none.

/** In a thread: judges the mutants whose numbers arrive. */
function serve(port: NonNullable<typeof parentPort>): void {
  port.on('message', async (index: number) => {
    const mutant = mutants[index];
    if (mutant !== undefined) port.postMessage([index, await judgeMutant(mutant)]);
  });
}

/** Hands every mutant to the next thread that is free. */
async function judgeAll(onVerdict: (done: number) => void): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  let next = 0;
  let done = 0;
  const threads = Array.from({ length: Math.min(availableParallelism(), 8) }, async () => {
    const worker = new Worker(new URL(import.meta.url));
    try {
      await new Promise<void>((resolve, reject) => {
        const hand = () => (next < mutants.length ? worker.postMessage(next++) : resolve());
        worker.on('message', ([index, verdict]: [number, Verdict]) => {
          verdicts[index] = verdict;
          onVerdict(++done);
          hand();
        });
        worker.on('error', reject);
        hand();
      });
    } finally {
      await worker.terminate();
    }
  });
  await Promise.all(threads);
  return verdicts;
}

if (isMainThread) {
  const { isTTY } = process.stderr;
  const show = (text: string) => isTTY && process.stderr.write(`\r\x1b[K${text}`);
  const verdicts = await judgeAll((done) => show(`${done} of ${mutants.length} mutants`));
  show('');
  console.log(formatVerdicts(verdicts));
  const { survivors, idle } = prove(verdicts);
  process.exitCode = survivors.length + idle.length === 0 ? 0 : 1;
} else if (parentPort !== null) {
  serve(parentPort);
}
