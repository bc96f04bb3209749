// Puts the modules of the core together, after they were compiled. Every user of keywrap loads the core
// when a process starts, and Node.js takes three times as long for its twenty modules as for their bundle.
// Modules that entries share stay shared: an error is of the same class whichever entry it came through.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const core = path.resolve(import.meta.dirname, '../packages/core');
const bundle = path.join(core, 'bundle');

rmSync(bundle, { recursive: true, force: true });
await build({
  absWorkingDir: core,
  entryPoints: ['dist/index.js', 'dist/layers/data-key-cache/index.js', 'dist/inversify/index.js'],
  outbase: 'dist',
  outdir: bundle,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  packages: 'external',
  // To src, which is published too.
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
});
