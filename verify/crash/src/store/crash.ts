import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileKeyStore } from '@keywrap/provider-local/file-store';
import { Expectation } from './expectation.js';
import { readJournal } from './journal.js';
import type { WorkerOptions } from './worker.js';

// Kills processes that work on a store, and looks after each kill whether anything was lost.

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url));
const PASSPHRASE = 'correct horse battery staple';

/** What came of it. */
export interface CrashReport {
  kills: number;
  /** After how many kills the store opened, without repair, and could be read to the end. */
  recoveries: number;
  /** What was acknowledged and is not there any more. */
  readonly lost: string[];
  /** What was acknowledged, in all stores together, and was there after the last kill. */
  readonly held: { keys: number; aliases: number; ciphertexts: number };
  /** The codes that the store refused steps with. */
  readonly refusals: Map<string, number>;
}

/** A number of kills, of so many processes at a time, in one folder. */
export interface CrashPlan {
  readonly kills: number;
  /** How many processes work on the store at once; all are killed, one after the other. */
  readonly processes: number;
  /** Where; by default a new folder, so that kills hit the making of a store too. */
  readonly folder?: string;
  /** What a plan before this one has left in the folder. */
  readonly expectation?: Expectation;
  readonly onProgress?: () => void;
}

export function newReport(): CrashReport {
  return {
    kills: 0,
    recoveries: 0,
    lost: [],
    held: { keys: 0, aliases: 0, ciphertexts: 0 },
    refusals: new Map(),
  };
}

/** Carries a plan out and adds to the report. */
export async function crash(report: CrashReport, plan: CrashPlan): Promise<void> {
  const parent = mkdtempSync(path.join(tmpdir(), 'keywrap-crash-'));
  const folder = plan.folder ?? path.join(parent, 'keys');
  const passphraseFile = path.join(parent, 'passphrase');
  writeFileSync(passphraseFile, PASSPHRASE);
  const expectation = plan.expectation ?? new Expectation();
  try {
    for (let killed = 0; killed < plan.kills; ) {
      const count = Math.min(plan.processes, plan.kills - killed);
      const workers = Array.from({ length: count }, (_, index) => {
        const journal = path.join(parent, `journal-${killed + index}`);
        return { journal, child: start({ folder, passphraseFile, journal, name: `w${index}` }) };
      });
      await Promise.all(workers.map(({ child, journal }) => killSometime(report, child, journal)));
      for (const { journal } of workers) {
        const lines = existsSync(journal) ? readJournal(journal) : [];
        expectation.add(lines);
        for (const line of lines) {
          if (!('failed' in line)) continue;
          report.refusals.set(line.code, (report.refusals.get(line.code) ?? 0) + 1);
        }
      }
      killed += count;
      report.kills += count;
      await look(report, folder, expectation, count);
      plan.onProgress?.();
    }
    const { keys, aliases, ciphertexts } = expectation.size;
    report.held.keys += keys;
    report.held.aliases += aliases;
    report.held.ciphertexts += ciphertexts;
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

function start(options: WorkerOptions): ChildProcess {
  return spawn(process.execPath, [WORKER, JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Mostly while it works, sometimes before it is ready: then the store may just be in the making. */
async function killSometime(
  report: CrashReport,
  child: ChildProcess,
  journal: string,
): Promise<void> {
  const exited = once(child, 'exit');
  if (Math.random() < 0.85) {
    while (child.exitCode === null && !(existsSync(journal) && readJournal(journal).length > 0)) {
      await delay(5);
    }
    await delay(Math.random() * 300);
  } else {
    await delay(40 + Math.random() * 120);
  }
  child.kill('SIGKILL');
  const [code, signal] = await exited;
  if (signal !== 'SIGKILL') report.lost.push(`a worker, which ended by itself: ${code ?? signal}`);
}

async function look(
  report: CrashReport,
  folder: string,
  expectation: Expectation,
  kills: number,
): Promise<void> {
  let store: FileKeyStore;
  try {
    store = await FileKeyStore.open({ folder, protectedBy: { passphrase: PASSPHRASE } });
  } catch (error) {
    // A store whose making nobody was told of need not be there.
    if (expectation.isEmpty && String(error).includes('no manifest')) report.recoveries += kills;
    else report.lost.push(`the store: ${error}`);
    return;
  }
  try {
    const missing = await expectation.missingFrom(store);
    report.lost.push(...missing);
    report.recoveries += kills;
  } catch (error) {
    report.lost.push(`the store: ${error}`);
  } finally {
    await store.close();
  }
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
