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

const PROGRAMS = ['program', 'backends', 'azure', 'gcp'];
const FORMATS = { esm: 'mjs', cjs: 'cjs' };
/**
 * Microsoft's client is large: one format each, and CommonJS for esbuild, which can't make an ES module of it. Google's is
 * bundled by esbuild alone.
 */
const OMITTED = [
  ...['esbuild azure esm', 'rollup azure cjs', 'webpack azure esm', 'vite azure cjs'],
  'esbuild gcp esm',
  ...['rollup', 'webpack', 'vite'].flatMap((name) => [`${name} gcp esm`, `${name} gcp cjs`]),
];
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

for (const [name, bundle] of Object.entries(bundlers)) {
  for (const program of PROGRAMS) {
    for (const [format, ending] of Object.entries(FORMATS)) {
      const title = `${name} ${program} ${format}`;
      if (OMITTED.includes(title)) continue;
      const out = `out/${name}-${program}-${format}`;
      await bundle(program, format, out, ending);
      const elsewhere = mkdtempSync(path.join(tmpdir(), 'keywrap-bundle-'));
      try {
        cpSync(out, elsewhere, { recursive: true });
        const printed = execFileSync(process.execPath, [`${program}.${ending}`], {
          cwd: elsewhere,
          encoding: 'utf8',
        });
        assert.equal(printed, 'it works\n', title);
      } finally {
        rmSync(elsewhere, { recursive: true });
      }
    }
  }
}
