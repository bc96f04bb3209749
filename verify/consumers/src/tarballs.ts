import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type PackedPackage, pnpm, ROOT } from './packages.js';

/** Checks what a package says of itself: its entries, its types, and that its README works where it is shown. */
export async function checkTarball({ name, directory, tarball }: PackedPackage): Promise<void> {
  await pnpm(ROOT, 'exec', 'publint', 'run', '--strict', tarball);
  // Its rule `false-cjs` is about versions of Node.js whose require() does not load ES modules.
  const rules = ['--profile', 'esm-only', '--ignore-rules', 'false-cjs'];
  await pnpm(ROOT, 'exec', 'attw', ...rules, '--quiet', tarball);
  const readme = await readFile(path.join(directory, 'README.md'), 'utf8');
  const relative = readme.match(/\]\(\.\.?\/.*?\)/g);
  if (relative !== null) {
    throw new Error(`the README of ${name} links to what is not packed: ${relative.join(' ')}`);
  }
}
