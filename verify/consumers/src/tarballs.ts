import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type PackedPackage, pnpm, ROOT } from './packages.js';
import { CommandFailed, run } from './run.js';

/** Checks what a package says of itself: its entries, its types, its manifest, and that its README works where it is shown. */
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
  await checkManifest(directory, tarball);
  await checkNpmPack(directory);
}

/** The manifest says whose the package is, and has no `workspace:`; the license and the changes are packed. */
async function checkManifest(directory: string, tarball: string): Promise<void> {
  const read = (file: string) => run(ROOT, 'tar', '-xzOf', tarball, `package/${file}`);
  const text = await read('package.json');
  assert.ok(!text.includes('workspace:'), text);
  const { author, bugs, homepage, license, repository } = JSON.parse(text);
  const folder = path.relative(ROOT, directory).replaceAll(path.sep, '/');
  assert.equal(repository.directory, folder);
  assert.match(repository.url, /^git\+https:.*\.git$/);
  assert.match(homepage, /^https:/);
  assert.match(bugs.url, /^https:/);
  assert.ok(author);
  assert.equal(license, 'Apache-2.0');
  assert.match(await read('CHANGELOG.md'), /^# @keywrap\//);
  assert.match(await read('LICENSE'), /Apache License/);
}

/** `npm pack`, which would leave `workspace:` in the manifest, says how to pack instead. */
async function checkNpmPack(directory: string): Promise<void> {
  await assert.rejects(run(directory, 'npm', 'pack', '--dry-run'), (error) => {
    assert.ok(error instanceof CommandFailed);
    assert.match(error.message, /run node \.\.\/\.\.\/scripts\/pnpm\.js pack in its folder/);
    return true;
  });
}
