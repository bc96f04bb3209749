import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type PackedPackage, ROOT } from './packages.js';
import { TEMPLATE } from './projects.js';
import { run } from './run.js';

/** Follows the tutorial from an empty folder: writes its files, runs its commands, expects one green report. */
export async function followTutorial(
  folder: string,
  packages: readonly PackedPackage[],
): Promise<void> {
  const page = await readFile(path.join(ROOT, 'docs/writing-a-provider.md'), 'utf8');
  for (const [, file, content] of page.matchAll(/^`([\w./-]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)) {
    const target = path.join(folder, file as string);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, content as string);
    await assertInTemplate(file as string, content as string);
  }
  const ends: (string | undefined)[] = [];
  for (const [, lines = ''] of page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)) {
    for (const line of lines.trim().split('\n')) {
      const [program = '', ...args] = line
        .split(' ')
        .map((word) => packages.find(({ name }) => name === word)?.tarball ?? word);
      ends.push((await run(folder, program, ...args)).trimEnd().split('\n').at(-1));
    }
  }
  const green = /^[1-9]\d* passed, 0 failed, \d+ not applicable$/;
  if (ends.filter((line = '') => green.test(line)).length !== 1) {
    throw new Error(`a green report expected:\n${ends.join('\n')}`);
  }
}

/** The template has the files of the tutorial, so that a reader may copy it instead. */
async function assertInTemplate(file: string, content: string): Promise<void> {
  if ((await readFile(path.join(TEMPLATE, file), 'utf8')) !== content) {
    throw new Error(`${file} of the tutorial and of templates/provider differ`);
  }
}
