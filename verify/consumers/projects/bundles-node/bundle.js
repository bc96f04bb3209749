// Bundles each program with each bundler, minified, as ES module and CommonJS, and runs the bundles without any
// package in reach.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import resolve from '@rollup/plugin-node-resolve';
import terser from '@rollup/plugin-terser';
import * as esbuild from 'esbuild';
import { rollup } from 'rollup';
import * as vite from 'vite';
import webpack from 'webpack';

const FORMATS = { esm: 'mjs', cjs: 'cjs' };
const BOTH = {
  esbuild: ['esm', 'cjs'],
  rollup: ['esm', 'cjs'],
  webpack: ['esm', 'cjs'],
  vite: ['esm', 'cjs'],
};
/** Microsoft's and Google's clients are large: one format each, and one in which a bundler can have their CommonJS. */
const PROGRAMS = {
  program: BOTH,
  backends: BOTH,
  azure: { esbuild: ['cjs'], rollup: ['esm'], webpack: ['cjs'], vite: ['esm'] },
  gcp: { esbuild: ['cjs'], rollup: ['cjs'], webpack: ['esm'], vite: ['esm'] },
};
/** The native add-on. */
const EXTERNAL = ['pkcs11js'];

const bundlers = {
  esbuild: (program, format, outdir, ending) =>
    esbuild.build({
      entryPoints: [`${program}.js`],
      bundle: true,
      minify: true,
      platform: 'node',
      external: EXTERNAL,
      format,
      outdir,
      outExtension: { '.js': `.${ending}` },
      logLevel: 'error',
    }),
  async rollup(program, format, dir, ending) {
    const bundle = await rollup({
      input: `${program}.js`,
      external: [...EXTERNAL, ...builtinModules.flatMap((name) => [name, `node:${name}`])],
      plugins: [resolve({ exportConditions: ['node'] }), commonjs(), json(), terser()],
      logLevel: 'silent',
    });
    const names = { entryFileNames: `[name].${ending}`, chunkFileNames: `[name].${ending}` };
    await bundle.write({ format, dir, ...names });
  },
  webpack: (program, format, folder, ending) =>
    webpacked({
      entry: `./${program}.js`,
      target: 'node20',
      externalsType: format === 'esm' ? 'module' : 'commonjs',
      externals: EXTERNAL,
      experiments: { outputModule: format === 'esm' },
      output: {
        path: path.resolve(folder),
        filename: `${program}.${ending}`,
        chunkFilename: `[id].${ending}`,
        module: format === 'esm',
        chunkFormat: format === 'esm' ? 'module' : 'commonjs',
      },
    }),
  vite: (program, format, outDir, ending) =>
    vite.build({
      configFile: false,
      logLevel: 'error',
      ssr: { noExternal: true, external: EXTERNAL },
      build: {
        ssr: `${program}.js`,
        outDir,
        minify: true,
        rolldownOptions: {
          output: {
            format,
            entryFileNames: `[name].${ending}`,
            chunkFileNames: `[name].${ending}`,
          },
        },
      },
    }),
};

function webpacked(options) {
  return new Promise((done, fail) => {
    webpack({ mode: 'production', context: process.cwd(), ...options }, (error, stats) => {
      if (error || stats.hasErrors()) fail(error ?? new Error(stats.toString()));
      else done();
    });
  });
}

for (const [program, formats] of Object.entries(PROGRAMS)) {
  for (const [name, bundle] of Object.entries(bundlers)) {
    for (const format of formats[name]) await check(program, name, bundle, format);
  }
}

async function check(program, name, bundle, format) {
  const ending = FORMATS[format];
  const out = `out/${name}-${program}-${format}`;
  await bundle(program, format, out, ending);
  const elsewhere = mkdtempSync(path.join(tmpdir(), 'keywrap-bundle-'));
  try {
    cpSync(out, elsewhere, { recursive: true });
    const printed = execFileSync(process.execPath, [`${program}.${ending}`], {
      cwd: elsewhere,
      encoding: 'utf8',
    });
    assert.equal(printed, 'it works\n', `${name}, ${program}, ${format}`);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
}
