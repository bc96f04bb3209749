import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CrashPlan, crash, newReport } from './crash.js';
import { Expectation } from './expectation.js';

// npm run test:crash [kills]: nothing that a store has acknowledged is ever lost.

const total = Number(process.argv[2] ?? 200);
if (!Number.isInteger(total) || total < 1) {
  console.error('npm run test:crash -- [KILLS], a whole number');
  process.exit(2);
}
const began = Date.now();
const report = newReport();

console.log('one process at a time, a new store after every 20 kills');
await spread(Math.ceil(total * 0.4), 20, (kills) => ({ kills, processes: 1 }));
console.log('four processes at once');
await spread(Math.ceil(total * 0.4), 40, (kills) => ({ kills, processes: 4 }));
console.log('a disk that is full');
const rest = Math.max(total - report.kills - 4, 4);
await withDisk('size=4m', async (folder) => {
  const expectation = new Expectation();
  await run({ kills: 2, processes: 1, folder, expectation });
  fillDisk(path.dirname(folder), 40 * 1024);
  await run({ kills: rest, processes: 2, folder, expectation });
  if (!report.refusals.has('UNAVAILABLE')) report.lost.push('the disk never was full');
});
console.log('a folder that is read-only');
await withDisk('size=4m', async (folder, remount) => {
  const expectation = new Expectation();
  await run({ kills: 2, processes: 1, folder, expectation });
  const before = new Map(report.refusals);
  remount();
  await run({ kills: 2, processes: 2, folder, expectation });
  const refused = report.refusals.get('ACCESS_DENIED') ?? 0;
  if (refused <= (before.get('ACCESS_DENIED') ?? 0)) report.lost.push('nothing was refused');
});
// Where no file system of that size could be had.
if (report.kills < total) await run({ kills: total - report.kills, processes: 1 });

const { keys, aliases, ciphertexts } = report.held;
console.log(`still there: ${keys} keys, ${aliases} aliases, ${ciphertexts} ciphertexts that open`);
console.log(
  `refused: ${[...report.refusals].map(([code, count]) => `${code} ${count}`).join(', ')}`,
);
for (const lost of report.lost.slice(0, 20)) console.error(`lost: ${lost}`);
const seconds = Math.round((Date.now() - began) / 1000);
console.log(
  `${report.kills} kills, ${report.recoveries} recoveries, ${report.lost.length} lost (${seconds} s)`,
);
process.exit(report.lost.length === 0 && report.recoveries === report.kills ? 0 : 1);

async function spread(kills: number, atMost: number, plan: (kills: number) => CrashPlan) {
  for (let left = kills; left > 0; left -= atMost) await run(plan(Math.min(left, atMost)));
}

async function run(plan: CrashPlan): Promise<void> {
  await crash(report, { ...plan, onProgress: showProgress });
  if (process.stdout.isTTY) process.stdout.write('\n');
  else console.log(`  ${report.kills} kills, ${report.lost.length} lost`);
}

function showProgress(): void {
  if (process.stdout.isTTY) {
    process.stdout.write(`\r  ${report.kills} of ${total} kills, ${report.lost.length} lost `);
  }
}

/** Leaves so many bytes free: room for some changes, and not for others. */
function fillDisk(folder: string, free: number): void {
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(path.join(folder, 'filling'), new Uint8Array(bavail * bsize - free));
}

/** Works on a small file system of its own; that takes Linux and root. */
async function withDisk(
  options: string,
  work: (folder: string, makeReadOnly: () => void) => Promise<void>,
): Promise<void> {
  const mountPoint = mkdtempSync(path.join(tmpdir(), 'keywrap-disk-'));
  const mount = (...args: string[]) => spawnSync('mount', [...args, mountPoint]).status === 0;
  if (!mount('-t', 'tmpfs', '-o', `${options},mode=0700`, 'tmpfs')) {
    console.log('  not here: mounting a file system takes Linux and root');
    rmSync(mountPoint, { recursive: true });
    return;
  }
  try {
    const folder = path.join(mountPoint, 'keys');
    mkdirSync(folder);
    chmodSync(folder, 0o700);
    await work(folder, () => mount('-o', 'remount,ro'));
  } finally {
    spawnSync('umount', [mountPoint]);
    rmSync(mountPoint, { recursive: true });
  }
}
