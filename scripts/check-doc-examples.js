// Compiles every TypeScript example in doc comments and Markdown, and runs every JavaScript one, so that
// none goes stale.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
const FOLDER = path.join(ROOT, 'examples/doc-examples/extracted');
const FENCE = /^[ \t*]*```(ts|js)\n([\s\S]*?)^[ \t*]*```/gm;

const listed = spawnSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '--', '*.md', 'packages/*/src/*.ts'],
  { cwd: ROOT, encoding: 'utf8' },
);
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });

const programs = [];
let count = 0;
for (const file of new Set(listed.stdout.trim().split('\n'))) {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  for (const match of text.matchAll(FENCE)) {
    const line = text.slice(0, match.index).split('\n').length + 1;
    const code = match[2].replace(/^[ \t]*\* ?/gm, '');
    const name = `${file.replaceAll('/', '--').replace(/\.\w+$/, '')}--line-${line}`;
    const target = path.join(FOLDER, match[1] === 'ts' ? `${name}.ts` : `${name}.mjs`);
    writeFileSync(target, `${code}\nexport {};\n`);
    if (match[1] === 'js') programs.push(target);
    count += 1;
  }
}

const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
node(tsc, '--project', path.join(ROOT, 'examples/doc-examples'));
for (const program of programs) node(program);
console.log(`${count} documentation examples compile or run`);

function node(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status === 0) return;
  console.error(`${path.basename(args[0])} failed:\n${stdout}${stderr}`);
  process.exit(1);
}
