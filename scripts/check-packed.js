// Packs the packages, checks the tarballs, and uses them as a stranger would: installed in an empty
// folder, imported from ESM and CommonJS, compiled against under both module resolutions.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
const packages = readdirSync(path.join(ROOT, 'packages')).map((folder) => {
  const directory = path.join(ROOT, 'packages', folder);
  const manifest = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8'));
  const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
  return { directory, name: manifest.name, entries };
});

const consumer = mkdtempSync(path.join(tmpdir(), 'keywrap-packed-'));
process.on('exit', () => rmSync(consumer, { recursive: true, force: true }));

step('pack', () => {
  for (const { directory } of packages) {
    pnpm(directory, 'pack', '--pack-destination', consumer);
  }
});
const tarballs = readdirSync(consumer).map((file) => path.join(consumer, file));

step('READMEs link to nothing that is not packed', () => {
  for (const { directory, name } of packages) {
    const links = readFileSync(path.join(directory, 'README.md'), 'utf8').match(
      /\]\(\.\.?\/.*?\)/g,
    );
    if (links === null) continue;
    console.error(`failed: ${name} has ${links.join(' ')}`);
    process.exit(1);
  }
});

step('publint, are-the-types-wrong', () => {
  for (const tarball of tarballs) {
    pnpm(ROOT, 'exec', 'publint', 'run', '--strict', tarball);
    pnpm(ROOT, 'exec', 'attw', '--profile', 'esm-only', '--quiet', tarball);
  }
});

step('install the tarballs in an empty folder', () => {
  const dependencies = { inversify: '^8.2.3', 'reflect-metadata': '^0.2.2' };
  writeFileSync(
    path.join(consumer, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies }),
  );
  run(consumer, 'npm', 'install', '--silent', '--ignore-scripts', '--no-package-lock', ...tarballs);
});

const specifiers = packages.flatMap(({ name, entries }) =>
  entries.map((entry) => name + entry.slice(1)),
);

step('import from ESM', () => {
  const lines = specifiers.map((specifier, index) => `import * as m${index} from '${specifier}';`);
  const names = specifiers.map((_, index) => `m${index}`);
  const check = `for (const m of [${names}]) if (Object.keys(m).length === 0) throw new Error('empty');`;
  writeFileSync(
    path.join(consumer, 'esm.mjs'),
    ["import 'reflect-metadata';", ...lines, check].join('\n'),
  );
  run(consumer, process.execPath, 'esm.mjs');
});

step('require from CommonJS', () => {
  const lines = specifiers.map((specifier) => `require('${specifier}');`);
  writeFileSync(
    path.join(consumer, 'cjs.cjs'),
    ["require('reflect-metadata');", ...lines].join('\n'),
  );
  run(consumer, process.execPath, '--disable-warning=ExperimentalWarning', 'cjs.cjs');
});

step('compile a consumer under nodenext and bundler', () => {
  writeFileSync(
    path.join(consumer, 'consumer.ts'),
    [
      ...specifiers.map((specifier, index) => `import * as m${index} from '${specifier}';`),
      `export const all = [${specifiers.map((_, index) => `m${index}`)}];`,
      "import type { KeyWrapProvider } from '@keywrap/core';",
      "import { LocalKeyWrapProvider } from '@keywrap/provider-local';",
      "export const keys: KeyWrapProvider = new LocalKeyWrapProvider({ keys: ['alias/orders'] });",
    ].join('\n'),
  );
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const types = path.join(ROOT, 'node_modules/@types');
  const shared = [
    '--noEmit',
    '--strict',
    '--target',
    'es2022',
    '--typeRoots',
    types,
    '--types',
    'node',
  ];
  for (const resolution of [
    ['--module', 'nodenext', '--moduleResolution', 'nodenext'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ]) {
    run(consumer, process.execPath, tsc, ...shared, ...resolution, 'consumer.ts');
  }
});

step('follow the tutorial from an empty folder', () => {
  const folder = path.join(consumer, 'tutorial');
  const page = readFileSync(path.join(ROOT, 'docs/writing-a-provider.md'), 'utf8');
  for (const [, file, content] of page.matchAll(/^`([\w./-]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), content);
  }
  const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, lines]) =>
    lines.trim().split('\n'),
  );
  const ends = commands.map((command) => follow(folder, command).trimEnd().split('\n').at(-1));
  const greens = ends.filter((line) =>
    /^[1-9]\d* passed, 0 failed, \d+ not applicable$/.test(line),
  );
  if (greens.length !== 1) throw new Error(`a green report expected:\n${ends.join('\n')}`);
});

/** Does what a line of the tutorial says; our own packages come from the tarballs. */
function follow(folder, command) {
  const [program, ...args] = command.split(' ').map((word) => {
    const ours = /^@keywrap\/(\w+)$/.exec(word);
    return ours ? tarballs.find((file) => path.basename(file).includes(`-${ours[1]}-`)) : word;
  });
  return run(folder, program, ...args);
}

function step(what, work) {
  process.stdout.write(`${what} ... `);
  work();
  console.log('ok');
}

function pnpm(cwd, ...args) {
  return run(cwd, process.execPath, path.join(ROOT, 'scripts/pnpm.js'), '--silent', ...args);
}

function run(cwd, command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32' && ['npm', 'npx'].includes(command),
  });
  if (status === 0) return stdout;
  console.error(`failed: ${[path.basename(command), ...args].join(' ')}\n${stdout}${stderr}`);
  return process.exit(1);
}
