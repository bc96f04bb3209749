import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { inPairs, run } from './run.js';

/** The root of the repository. */
export const ROOT = path.resolve(import.meta.dirname, '../../..');

/** A package as users install it. */
export interface PackedPackage {
  readonly name: string;
  readonly directory: string;
  readonly tarball: string;
}

/** Packs every package that is published into the folder. */
export async function packAll(folder: string): Promise<PackedPackage[]> {
  const names = await readdir(path.join(ROOT, 'packages'));
  return inPairs(names, async (each) => {
    const directory = path.join(ROOT, 'packages', each);
    const manifest = await readFile(path.join(directory, 'package.json'), 'utf8');
    const output = await pnpm(directory, 'pack', '--json', '--pack-destination', folder);
    // After what the script `prepack` prints.
    const { filename } = JSON.parse(output.slice(output.indexOf('{'))) as { filename: string };
    return { name: JSON.parse(manifest).name, directory, tarball: path.resolve(folder, filename) };
  });
}

/** Runs the pinned pnpm, and through it the tools of the repository. */
export function pnpm(cwd: string, ...args: string[]): Promise<string> {
  return run(cwd, process.execPath, path.join(ROOT, 'scripts/pnpm.js'), '--silent', ...args);
}
