// Compiles every TypeScript example in doc comments and Markdown, so that none goes stale.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
const FOLDER = path.join(ROOT, 'examples/doc-examples/extracted');
const FENCE = /^([ \t*]*)```ts\n([\s\S]*?)^[ \t*]*```/gm;

const listed = spawnSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '--', '*.md', 'packages/*/src/*.ts'],
  { cwd: ROOT, encoding: 'utf8' },
);
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });

let count = 0;
for (const file of new Set(listed.stdout.trim().split('\n'))) {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  for (const match of text.matchAll(FENCE)) {
    const line = text.slice(0, match.index).split('\n').length + 1;
    const code = match[2].replace(/^[ \t]*\* ?/gm, '');
    const name = `${file.replaceAll('/', '--').replace(/\.\w+$/, '')}--line-${line}.ts`;
    writeFileSync(path.join(FOLDER, name), `${code}\nexport {};\n`);
    count += 1;
  }
}

const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
const project = path.join(ROOT, 'examples/doc-examples');
const { status } = spawnSync(process.execPath, [tsc, '--project', project], { stdio: 'inherit' });
if (status === 0) console.log(`${count} documentation examples compile`);
process.exit(status ?? 1);
