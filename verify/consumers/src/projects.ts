import { existsSync } from 'node:fs';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type PackedPackage, ROOT } from './packages.js';
import { run } from './run.js';

const FOLDER = path.join(ROOT, 'verify/consumers/projects');

/** What an author of a provider copies. */
export const TEMPLATE = path.join(ROOT, 'templates/provider');

/** The manifest of a project: `test` builds and runs it. */
interface Manifest {
  dependencies: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  /** Programs that npm can't install, such as a browser. */
  readonly needs?: readonly string[];
}

/** The names of all projects. */
export const projectNames = (): Promise<string[]> => readdir(FOLDER);

/** Returns the programs that a project needs and this machine lacks. */
export async function missingPrograms(name: string): Promise<string[]> {
  const { needs = [] } = await manifestOf(path.join(FOLDER, name));
  return needs.filter((file) => !existsSync(file));
}

/** Copies a project into the folder, installs it with the packed packages, and runs its test. */
export async function runProject(
  name: string,
  folder: string,
  packages: readonly PackedPackage[],
  source = path.join(FOLDER, name),
): Promise<string> {
  const project = path.join(folder, name);
  await cp(source, project, { recursive: true });
  const manifest = await manifestOf(project);
  for (const dependencies of [manifest.dependencies, manifest.devDependencies ?? {}]) {
    const isAll = '@keywrap/*' in dependencies;
    delete dependencies['@keywrap/*'];
    for (const { name, tarball } of packages) {
      if (isAll || name in dependencies) dependencies[name] = `file:${tarball}`;
    }
  }
  await writeFile(path.join(project, 'package.json'), JSON.stringify(manifest));
  await install(project);
  return run(project, 'npm', 'test', '--silent');
}

/** Copies the template, installs it with the packed packages, and runs both of its commands. */
export async function runTemplate(
  folder: string,
  packages: readonly PackedPackage[],
): Promise<undefined> {
  await runProject('template', folder, packages, TEMPLATE);
  await run(path.join(folder, 'template'), 'npm', 'run', 'conformance', '--silent');
}

/** Installs in a folder, offline where npm has seen everything before. No package runs a script. */
export function install(folder: string, ...packages: string[]): Promise<string> {
  const quiet = ['--silent', '--no-audit', '--no-fund', '--no-package-lock'];
  return run(
    folder,
    'npm',
    'install',
    '--ignore-scripts',
    '--prefer-offline',
    ...quiet,
    ...packages,
  );
}

async function manifestOf(project: string): Promise<Manifest> {
  return JSON.parse(await readFile(path.join(project, 'package.json'), 'utf8'));
}
