import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ORIGINALS } from '@keywrap/mutants/originals';
import { type ConformanceHarness, formatReport, runConformance } from '@keywrap/testkit';
import { rightProviders, slowProviders } from './index.js';

// Runs the suite against every right provider, and prints what failed. Exits with 1 for a false alarm.

/** The slow ones first: they mostly wait, while others run. */
const all = [...slowProviders, ...ORIGINALS, ...rightProviders];

/** What a thread found out about one provider. */
interface Judgement {
  readonly isRight: boolean;
  readonly text: string;
}

async function judge(harness: ConformanceHarness): Promise<Judgement> {
  // Calls that wait for a timer cost nothing, so many cases may wait at once.
  const report = await runConformance(harness, { concurrency: 16 });
  const { passed, failed, notApplicable, notRun } = report;
  const isRight = failed + notRun === 0 && passed > 0;
  const line = `${harness.name}: ${passed} passed, ${failed} failed, ${notApplicable} not applicable`;
  return { isRight, text: isRight ? line : `${line}\n${formatReport(report)}` };
}

async function main(): Promise<void> {
  const queue = all.keys();
  let right = 0;
  const work = async () => {
    for (const index of queue) {
      // A thread for each, because cases measure the heap and look for timers.
      const worker = new Worker(new URL(import.meta.url), { workerData: index });
      // Both are listened to from the start: a thread that ends at once emits them one right after the other.
      const [[judgement]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
      const { isRight, text } = judgement as Judgement;
      console.log(text);
      if (isRight) right++;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, work));
  console.log(`${right} of ${all.length} right providers pass`);
  process.exitCode = right === all.length ? 0 : 1;
}

if (isMainThread) await main();
else parentPort?.postMessage(await judge(all[workerData] as ConformanceHarness));
