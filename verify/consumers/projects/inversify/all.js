// Runs the program as it is, and minified, with the oldest and the newest version of inversify.
import { execFileSync } from 'node:child_process';
import * as esbuild from 'esbuild';

const run = (...args) => execFileSync(process.execPath, args, { stdio: 'inherit' });

run('program.js');
run('--enable-source-maps', 'program.js');
for (const inversify of ['inversify-8.0', 'inversify']) {
  const outfile = `out/${inversify}.mjs`;
  await esbuild.build({
    entryPoints: ['program.js'],
    bundle: true,
    minify: true,
    sourcemap: true,
    platform: 'node',
    format: 'esm',
    alias: { inversify },
    outfile,
    logLevel: 'error',
  });
  run(outfile);
  run('--enable-source-maps', outfile);
}
