import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomOf } from '../random.js';
import { Disk, type PowerCut } from './disk.js';
import { compileRecorder, type Program, record } from './record.js';

/** Programs that change files, and a check of the files after a power cut. */
export interface PowerPlan {
  /** The programs that work concurrently in a folder. */
  programs(folder: string): readonly Program[];
  /**
   * Returns the problem with the remaining files, if any.
   *
   * @param folder Where they are.
   * @param read Reads a file as it was when the power was cut.
   */
  check(folder: string, read: (name: string) => string): Promise<string[]>;
  readonly cuts: number;
  /** Determines, together with the programs' operations, when the power is cut and what remains. */
  readonly seed: number;
}

/** The result of power cuts. */
export interface PowerReport {
  readonly cuts: number;
  /** The number of recorded file operations. */
  readonly operations: number;
  readonly lost: readonly string[];
  /** The number of cuts after which something was lost. */
  readonly losses: number;
}

const POWER_CUTS: readonly PowerCut[] = ['torn', 'dropped', 'torn', 'kept', 'torn'];

/**
 * Records the file operations of programs, and repeatedly cuts the power in the record: each time it makes the files that
 * a disk may then hold, and checks them.
 *
 * @returns The reason, where it can't be done here.
 */
export async function cutPower(plan: PowerPlan): Promise<PowerReport | string> {
  const parent = mkdtempSync(path.join(memoryFolder(), 'keywrap-power-'));
  try {
    const library = path.join(parent, 'recorder.so');
    const missing = compileRecorder(library);
    if (missing !== undefined) return missing;
    const folder = path.join(parent, 'disk');
    mkdirSync(folder, { mode: 0o700 });
    const recording = await record(library, folder, plan.programs(folder));
    const random = randomOf(plan.seed);
    const { length } = recording.operations;
    const moments = Array.from({ length: plan.cuts }, () => Math.floor(random() * (length + 1)));
    moments.sort((a, b) => a - b);
    const disk = new Disk(recording.folder);
    const lost: string[] = [];
    let [applied, losses] = [0, 0];
    for (const [cut, moment] of moments.entries()) {
      for (; applied < moment; applied++) disk.apply(recording.operations[applied] as never);
      const power = POWER_CUTS[cut % POWER_CUTS.length] as PowerCut;
      const rest = path.join(parent, `cut-${cut}`);
      write(rest, disk.cut(power, random));
      const problems = await plan.check(rest, (name) => disk.read(name).toString());
      rmSync(rest, { recursive: true });
      if (problems.length > 0) losses++;
      lost.push(...problems.map((problem) => `power cut ${cut} (${power}): ${problem}`));
    }
    return { cuts: plan.cuts, operations: length, lost, losses };
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

/** In memory if possible: the disk is simulated, so nothing has to wait for a real one. */
function memoryFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

function write(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  mkdirSync(folder, { mode: 0o700 });
  for (const [name, contents] of files) {
    writeFileSync(path.join(folder, name), contents, { mode: 0o600 });
  }
}
