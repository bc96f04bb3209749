import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program that has to be built, or a library that has to be installed, before it can run. */
export interface Build {
  /** Its folder in `programs/`. */
  readonly folder: string;
  /** Run one after the other in a copy of the folder. */
  readonly commands: readonly (readonly string[])[];
}

const CACHE = path.join(
  process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'),
  'keywrap',
  'interop',
);

/**
 * Builds, unless it was done before from the same files.
 *
 * @param executable Runs the commands.
 * @returns The folder with the files and what was built of them.
 */
export function build({ folder, commands }: Build, executable: string): string {
  const source = fileURLToPath(new URL(`../programs/${folder}`, import.meta.url));
  const target = path.join(CACHE, `${folder}-${hashOf(source, [executable, ...commands.flat()])}`);
  if (existsSync(target)) return target;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(`${target}.`);
  try {
    cpSync(source, work, { recursive: true });
    for (const args of commands) {
      const { status, stdout, stderr, error } = spawnSync(executable, args, {
        cwd: work,
        encoding: 'utf8',
      });
      if (status !== 0) {
        const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(0, 5).join(' ');
        throw new Error(`${executable} ${args.join(' ')} failed: ${error?.message ?? said}`);
      }
    }
    renameSync(work, target);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
  return target;
}

function hashOf(folder: string, words: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(words));
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    hash.update(path.relative(folder, file)).update('\0').update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}
