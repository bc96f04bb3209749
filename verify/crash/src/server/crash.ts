import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KMS } from '@aws-sdk/client-kms';
import { Run } from '../../../../packages/kms-server/dist-test/run-command.js';
import {
  CREDENTIALS,
  makeStore,
  PASSPHRASE,
  REGION,
} from '../../../../packages/kms-server/dist-test/support.js';
import { Load } from './load.js';

// Kills servers that an SDK calls, and checks after each kill that nothing was lost.

/** The result of kills. */
export interface CrashReport {
  kills: number;
  /** The number of kills after which a server restarted on the store without repair. */
  recoveries: number;
  /** Acknowledged changes that are lost, and rejected requests. */
  readonly lost: string[];
  /** The number of acknowledged changes, over all stores, found after the last kill. */
  readonly held: { keys: number; aliases: number; ciphertexts: number };
}

/** The number of kills, and of servers at a time, on one store. */
export interface CrashPlan {
  readonly kills: number;
  readonly servers: number;
  /** The location of the store; by default an SQLite file. */
  readonly location?: string;
  readonly onProgress?: () => void;
}

const WORKERS_PER_SERVER = 2;

export function newReport(): CrashReport {
  return { kills: 0, recoveries: 0, lost: [], held: { keys: 0, aliases: 0, ciphertexts: 0 } };
}

/** Carries out a plan and adds to the report. */
export async function crash(report: CrashReport, plan: CrashPlan): Promise<void> {
  const parent = await mkdtemp(path.join(tmpdir(), 'keywrap-kms-crash-'));
  const data = plan.location ?? path.join(parent, 'keys.db');
  const passphrase = path.join(parent, 'passphrase');
  const start = () =>
    new Run('--port', '0', '--data', data, '--passphrase-file', passphrase, '--region', REGION);
  const load = new Load();
  try {
    await writeFile(passphrase, PASSPHRASE);
    await (await makeStore(data)).close();
    for (let killed = 0; killed < plan.kills; ) {
      const count = Math.min(plan.servers, plan.kills - killed);
      const runs = Array.from({ length: count }, start);
      await Promise.all(runs.map((run) => workUntilKilled(report, load, run)));
      killed += count;
      report.kills += count;
      await look(report, load, start(), count);
      plan.onProgress?.();
    }
    const { keys, aliases, ciphertexts } = load.size;
    report.held.keys += keys;
    report.held.aliases += aliases;
    report.held.ciphertexts += ciphertexts;
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

/** Mostly kills it while it works, sometimes while it starts. */
async function workUntilKilled(report: CrashReport, load: Load, run: Run): Promise<void> {
  const exited = run.exitCode();
  let isKilled = false;
  const kill = () => {
    isKilled = true;
    run.child.kill('SIGKILL');
  };
  if (Math.random() < 0.15) {
    await delay(Math.random() * 300);
    kill();
  } else {
    const kms = clientOf(await run.url());
    const work = async () => {
      while (!isKilled) await load.step(kms);
    };
    const workers = Array.from({ length: WORKERS_PER_SERVER }, () =>
      work().catch((error) => {
        if (!isKilled) report.lost.push(`a request: ${error}`);
      }),
    );
    await delay(30 + Math.random() * 600);
    kill();
    await Promise.all(workers);
    kms.destroy();
  }
  await exited;
  if (run.child.signalCode !== 'SIGKILL') report.lost.push(`a server: ${run.stderr}`);
}

async function look(report: CrashReport, load: Load, run: Run, kills: number): Promise<void> {
  const kms = clientOf(await Promise.race([run.url(), run.exitCode().then(() => '')]));
  try {
    report.lost.push(...(await load.missingFrom(kms)));
    report.recoveries += kills;
  } catch (error) {
    report.lost.push(`the store: ${error} ${run.stderr}`);
  } finally {
    kms.destroy();
    run.child.kill('SIGTERM');
    await run.exitCode();
  }
}

function clientOf(endpoint: string): KMS {
  return new KMS({ region: REGION, endpoint, credentials: CREDENTIALS, maxAttempts: 1 });
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
