import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomOf } from '../random.js';
import { Disk, type PowerCut } from './disk.js';
import { compileRecorder, type Program, record } from './record.js';

/** Programs that change files, and what has to be left of these after a power cut. */
export interface PowerPlan {
  /** The programs that work at once in a folder. */
  programs(folder: string): readonly Program[];
  /**
   * Says what is wrong with the files that were left; nothing, if all is well.
   *
   * @param folder Where they are.
   * @param read Reads a file as it was when the power was cut.
   */
  check(folder: string, read: (name: string) => string): Promise<string[]>;
  readonly cuts: number;
  /** Determines, with what the programs do, when the power is cut and what is left. */
  readonly seed: number;
}

/** The result of power cuts. */
export interface PowerReport {
  readonly cuts: number;
  /** The number of recorded file operations. */
  readonly operations: number;
  readonly lost: readonly string[];
  /** After how many of the cuts something was lost. */
  readonly losses: number;
}

const POWER_CUTS: readonly PowerCut[] = ['torn', 'dropped', 'torn', 'kept', 'torn'];

/**
 * Records what programs do to files, and cuts the power in the record, again and again: each time the files are made that
 * a disk may then hold, and checked.
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

/** In memory where that can be: the disk is one of our own, so that nothing has to wait for a real one. */
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
