import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  missingPostgres,
  PostgresServer,
} from '../../../packages/provider-local/dist-test/store/postgres-server.js';
import { withSmallDisk } from './kills/disk.js';
import { killAll, killPostgres, killWorkers } from './kills/kill.js';
import { newReport } from './kills/report.js';
import { StoreUnderTest } from './kills/store-under-test.js';
import { plainSqlitePlan } from './power-loss/plain-sqlite.js';
import { cutPower, type PowerPlan } from './power-loss/power-cuts.js';
import { storePlan } from './power-loss/store-plan.js';
import { newSeed } from './random.js';

// npm run test:crash -- [KILLS] [POWER CUTS] [SEED]: nothing that a store has acknowledged is ever lost.

const [kills, powerCuts, seed] = [200, 600, newSeed()].map((standard, index) =>
  Number(process.argv[2 + index] ?? standard),
) as [number, number, number];
if (![kills, powerCuts, seed].every((number) => Number.isInteger(number) && number >= 0)) {
  console.error('npm run test:crash -- [KILLS] [POWER CUTS] [SEED], whole numbers');
  process.exit(2);
}
const began = Date.now();
const report = newReport();
let cuts = 0;

console.log(`SQLite: one process at a time, then four at once, ${kills} kills`);
for (const workers of [1, 4]) {
  for (let left = kills * 0.4; left > 0; left -= 20) {
    await onNewFile((store) => killWorkers(report, store, { kills: Math.min(left, 20), workers }));
  }
}
progress();

console.log('SQLite: a disk that is full, and one that is read-only');
const hasDisk = await withSmallDisk(async (disk) => {
  const store = new StoreUnderTest(path.join(disk.folder, 'keys.db'));
  await killWorkers(report, store, { kills: 2, workers: 1 });
  disk.fill(40 * 1024);
  await killWorkers(report, store, { kills: Math.ceil(kills * 0.15), workers: 2 });
  if (!report.rejected.has('UNAVAILABLE')) report.lost.push('the disk never was full');
  store.close(report);
});
await withSmallDisk(async (disk) => {
  const store = new StoreUnderTest(path.join(disk.folder, 'keys.db'));
  const makers = store.start(1);
  await killAll(report, makers);
  disk.makeReadOnly();
  await store.look(report, makers);
  await killWorkers(report, store, { kills: Math.ceil(kills * 0.05), workers: 2 });
  if (!report.rejected.has('ACCESS_DENIED')) report.lost.push('the disk never was read-only');
  store.close(report);
});
if (!hasDisk) console.log('  not here: mounting a file system takes Linux and root');
progress();

const missing = missingPostgres();
if (missing === undefined) {
  console.log(
    `PostgreSQL: one process at a time, four at once, and PostgreSQL itself, ${kills} kills`,
  );
  const server = await PostgresServer.start();
  try {
    for (const workers of [1, 4]) {
      const store = new StoreUnderTest(await server.newUrl(), () => server.settle());
      await killWorkers(report, store, { kills: Math.ceil(kills * 0.3), workers });
      store.close(report);
    }
    const store = new StoreUnderTest(await server.newUrl(), () => server.settle());
    await killPostgres(report, store, server, { kills: Math.ceil(kills * 0.08), workers: 4 });
    store.close(report);
  } finally {
    await server.stop();
  }
  progress();
} else {
  console.log(`PostgreSQL: not here: ${missing}`);
}

console.log(`SQLite: power cuts, with seed ${seed}`);
await cut('one process', storePlan(1, 150), powerCuts / 2);
await cut('three processes at once', storePlan(3, 60), powerCuts / 2);
const control = await run(plainSqlitePlan(['delete', 'full'], 60), powerCuts / 6);
if (typeof control !== 'string') {
  console.log(
    `  control, SQLite with journal_mode=DELETE: lost in ${control.losses} of ${control.cuts}`,
  );
  if (control.losses === 0 && control.cuts >= 20)
    report.lost.push('the control has lost nothing: this test finds nothing');
}

const { keys, aliases } = report.held;
const rejected = [...report.rejected].map(([code, count]) => `${code} ${count}`).join(', ');
console.log(`still there: ${keys} keys, ${aliases} aliases; rejected: ${rejected || 'nothing'}`);
for (const lost of report.lost.slice(0, 20)) console.error(`lost: ${lost}`);
const seconds = Math.round((Date.now() - began) / 1000);
console.log(`${report.kills} kills, ${cuts} power cuts, ${report.lost.length} lost (${seconds} s)`);
process.exit(report.lost.length === 0 ? 0 : 1);

/** A new store, so that kills hit its creation too. */
async function onNewFile(work: (store: StoreUnderTest) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'keywrap-crash-'));
  try {
    const store = new StoreUnderTest(path.join(folder, 'keys.db'));
    await work(store);
    store.close(report);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(plan: Pick<PowerPlan, 'programs' | 'check'>, count: number) {
  return cutPower({ ...plan, cuts: Math.ceil(count), seed });
}

async function cut(
  what: string,
  plan: Pick<PowerPlan, 'programs' | 'check'>,
  count: number,
): Promise<void> {
  const result = await run(plan, count);
  if (typeof result === 'string') {
    console.log(`  not here: ${result}`);
    return;
  }
  cuts += result.cuts;
  report.lost.push(...result.lost);
  console.log(
    `  ${what}: ${result.cuts} power cuts in ${result.operations} operations, ${result.lost.length} lost`,
  );
}

function progress(): void {
  console.log(`  ${report.kills} kills, ${report.lost.length} lost`);
}
