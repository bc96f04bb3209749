import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Disk } from './disk.js';
import { type Operation, readOperations } from './operations.js';

const SOURCE = fileURLToPath(new URL('../../recorder/recorder.c', import.meta.url));

/** A program of Node.js, and its arguments. */
export type Program = readonly [file: string, ...parameters: string[]];

/** The recorded operations of programs on a folder. */
export interface Recording {
  /** The inode number of the folder. */
  readonly folder: number;
  readonly operations: readonly Operation[];
}

/**
 * Compiles the recorder.
 *
 * @returns The reason why it can't be compiled here, if any.
 */
export function compileRecorder(library: string): string | undefined {
  if (process.platform !== 'linux') return 'the recorder of file operations takes Linux';
  const { status, stderr, error } = spawnSync(
    'cc',
    ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl'],
    { encoding: 'utf8' },
  );
  if (status === 0) return undefined;
  return `the recorder of file operations takes a C compiler: ${error?.message ?? stderr.trim()}`;
}

/** Runs programs concurrently until they end, and records their operations on an empty folder. */
export async function record(
  library: string,
  folder: string,
  programs: readonly Program[],
): Promise<Recording> {
  const log = `${folder}.log`;
  const env = { ...process.env, LD_PRELOAD: library, RECORD_FOLDER: folder, RECORD_LOG: log };
  const exits = programs.map(async ([file, ...parameters]) => {
    const child = spawn(process.execPath, [file, ...parameters], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${path.basename(file)} ended with ${code}`);
  });
  await Promise.all(exits);
  const recording = { folder: statSync(folder).ino, operations: readOperations(log) };
  assertComplete(recording, folder);
  return recording;
}

/** A recorder that misses a call would report false losses, and hide real ones. */
function assertComplete({ folder: inode, operations }: Recording, folder: string): void {
  const disk = new Disk(inode);
  for (const operation of operations) disk.apply(operation);
  const recorded = disk.cut('kept', () => 0);
  for (const name of new Set([...recorded.keys(), ...readdirSync(folder)])) {
    const [wanted, found] = [readFileSync(path.join(folder, name)), recorded.get(name)];
    if (found?.equals(wanted) !== true) {
      throw new Error(`the recorder has missed what happened to ${name}`);
    }
  }
}
