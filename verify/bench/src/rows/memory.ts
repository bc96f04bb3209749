import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Benchmark, Rounds } from '../benchmark.js';

const SOAK = fileURLToPath(new URL('../programs/soak.js', import.meta.url));
const KEY_SOAK = fileURLToPath(new URL('../programs/key-soak.js', import.meta.url));
const STREAM_SOAK = fileURLToPath(new URL('../programs/stream-soak.js', import.meta.url));
const SERVER_SOAK = fileURLToPath(new URL('../programs/server-soak.js', import.meta.url));

export const memoryBenchmarks: readonly Benchmark[] = [
  {
    name: 'memory-soak',
    unit: 'MiB',
    ours: 'heap after 1,000,000 `encrypt` and `decrypt`',
    reference: 'heap after 10,000',
    target: { more: 5 },
    /** Runs in a separate process, with a fresh heap. */
    measure: () => runSoak(SOAK),
  },
  {
    name: 'memory-key-soak',
    unit: 'MiB',
    ours: 'heap after 10,000 keys were made, used and deleted in a store',
    reference: 'heap after 1,000',
    target: { more: 1 },
    measure: () => soakKeys(1_000, 10_000),
  },
  {
    name: 'memory-server-soak',
    unit: 'MiB',
    ours: 'heap of kms-server after 10,000 keys were made, used and deleted, and as many names invented',
    reference: 'heap after 1,000',
    target: { more: 1 },
    measure: () => soakServer(1_000, 10_000),
  },
];

/** Creates, uses and deletes keys in a separate process; the reference is the heap after the first of them. */
export function soakKeys(few: number, many: number): Promise<Rounds> {
  return runSoak(KEY_SOAK, String(few), String(many));
}

/** As {@link soakKeys}, over HTTP, with requests for keys, aliases, Regions and operations that nobody has. */
export function soakServer(few: number, many: number): Promise<Rounds> {
  return runSoak(SERVER_SOAK, String(few), String(many));
}

/** The memory of a process that streams. */
export interface Memory extends Rounds {
  /** How much V8's heap and its buffers grew, in MiB. */
  readonly counted: number;
}

/**
 * Streams MiB in a separate process, whose memory at its most it measures; the reference is the memory before.
 *
 * @param kind The streams of Node.js, or Web Streams.
 * @param frameLength In bytes.
 */
export async function soakStream(
  mode: 'seal' | 'open',
  kind: 'node' | 'web',
  mebibytes: number,
  frameLength = 4096,
): Promise<Memory> {
  return (await runSoak(STREAM_SOAK, mode, kind, `${mebibytes}`, `${frameLength}`)) as Memory;
}

/** Runs a program in a separate process; it prints the rounds. */
export async function runSoak(...program: string[]): Promise<Rounds> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', ...program]);
  return JSON.parse(stdout) as Rounds;
}
