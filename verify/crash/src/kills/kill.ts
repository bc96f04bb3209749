import { setTimeout as delay } from 'node:timers/promises';
import type { PostgresServer } from '../../../../packages/provider-local/dist-test/store/postgres-server.js';
import type { KillReport } from './report.js';
import type { StoreUnderTest } from './store-under-test.js';
import type { WorkerProcess } from './worker-process.js';

/** Bytes of a journal; a completed change needs more. */
const SOME_CHANGES = 500;

/** Repeatedly kills a number of concurrent workers, and checks after each kill that nothing was lost. */
export async function killWorkers(
  report: KillReport,
  store: StoreUnderTest,
  { kills, workers }: { readonly kills: number; readonly workers: number },
): Promise<void> {
  for (let killed = 0; killed < kills; killed += workers) {
    const started = store.start(Math.min(workers, kills - killed));
    await Promise.all(started.map((worker) => killSometime(report, worker)));
    await store.look(report, started);
  }
}

/** Mostly while it works, sometimes before it is ready, perhaps while it creates the store. */
async function killSometime(report: KillReport, worker: WorkerProcess): Promise<void> {
  if (Math.random() < 0.85) {
    await worker.writes(1);
    await delay(Math.random() * 150);
  } else {
    await delay(40 + Math.random() * 120);
  }
  await kill(report, worker);
}

/**
 * Kills PostgreSQL a number of times while workers run. It restarts, the workers continue, and are killed
 * in their turn.
 */
export async function killPostgres(
  report: KillReport,
  store: StoreUnderTest,
  server: PostgresServer,
  { kills, workers }: { readonly kills: number; readonly workers: number },
): Promise<void> {
  for (let killed = 0; killed < kills; killed++) {
    const started = store.start(workers);
    await Promise.all(started.map((worker) => worker.writes(SOME_CHANGES)));
    await delay(Math.random() * 100);
    await server.kill();
    report.kills++;
    await server.restart();
    await killAll(report, started);
    await store.look(report, started);
  }
}

/** Kills workers once each has made some changes. */
export async function killAll(
  report: KillReport,
  workers: readonly WorkerProcess[],
): Promise<void> {
  await Promise.all(workers.map((worker) => worker.writes(SOME_CHANGES)));
  await Promise.all(workers.map((worker) => kill(report, worker)));
}

async function kill(report: KillReport, worker: WorkerProcess): Promise<void> {
  const problem = await worker.kill();
  if (problem !== undefined) report.lost.push(problem);
  report.kills++;
}
