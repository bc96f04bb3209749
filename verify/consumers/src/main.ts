// Uses the packages as their users do: packed, installed in new projects outside the repository, compiled,
// bundled and run. `npm run check:consumers -- types bundlers` runs these parts only.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packAll } from './packages.js';
import { missingPrograms, projectNames, runProject, runTemplate } from './projects.js';
import { inPairs } from './run.js';
import { checkTarball } from './tarballs.js';
import { followTutorial } from './tutorial.js';

interface Part {
  readonly name: string;
  /** What this machine lacks for it. */
  readonly missing: readonly string[];
  /** Rejects if it fails. */
  run(): Promise<unknown>;
}

const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-consumers-'));
try {
  const wanted = process.argv.slice(2);
  const parts = await allParts();
  const outcomes = await inPairs(
    parts.filter(({ name }) => wanted.length === 0 || wanted.includes(name)),
    report,
  );
  const failed = outcomes.filter((isGreen) => !isGreen).length;
  console.log(`${outcomes.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && outcomes.length > 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 20 });
}

async function allParts(): Promise<Part[]> {
  const tarballs = path.join(folder, 'tarballs');
  await mkdir(tarballs);
  const packages = await packAll(tarballs);
  const tutorial = () => followTutorial(path.join(folder, 'tutorial'), packages);
  const template = () => runTemplate(folder, packages);
  const projects = (await projectNames()).map(async (name) => ({
    name,
    missing: await missingPrograms(name),
    run: () => runProject(name, folder, packages),
  }));
  return [
    ...packages.map((each) => ({ name: each.name, missing: [], run: () => checkTarball(each) })),
    { name: 'tutorial', missing: [], run: tutorial },
    { name: 'template', missing: [], run: template },
    ...(await Promise.all(projects)),
  ];
}

/** Runs a part, prints how it went, and returns false if it failed. */
async function report({ name, missing, run }: Part): Promise<boolean> {
  if (missing.length > 0) {
    console.log(`${name}: not run, it needs ${missing.join(', ')}`);
    // On a developer's machine a program may be missing; in a complete check, none may.
    return process.env.CI !== 'true';
  }
  const start = performance.now();
  try {
    await run();
    console.log(`${name}: ok, ${((performance.now() - start) / 1000).toFixed(0)} s`);
    return true;
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}
