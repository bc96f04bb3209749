// Bundles the page with each bundler and opens it in Chromium; the page sends its result to this server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import commonjs from '@rollup/plugin-commonjs';
import resolve from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { rollup } from 'rollup';
import * as vite from 'vite';
import webpack from 'webpack';

const bundlers = {
  esbuild: (outdir) =>
    esbuild.build({
      entryPoints: ['page.js'],
      bundle: true,
      minify: true,
      splitting: true,
      format: 'esm',
      outdir,
      logLevel: 'error',
    }),
  async rollup(dir) {
    const plugins = [resolve({ browser: true }), commonjs()];
    const bundle = await rollup({ input: 'page.js', plugins, logLevel: 'silent' });
    await bundle.write({ format: 'es', dir });
  },
  webpack: (folder) =>
    new Promise((done, fail) => {
      const output = { path: path.resolve(folder), filename: 'page.js', publicPath: 'auto' };
      const options = { mode: 'production', context: process.cwd(), entry: './page.js', output };
      webpack(options, (error, stats) => {
        if (error || stats.hasErrors()) fail(error ?? new Error(stats.toString()));
        else done();
      });
    }),
  vite: (outDir) =>
    vite.build({
      configFile: false,
      logLevel: 'error',
      build: { outDir, lib: { entry: 'page.js', formats: ['es'], fileName: 'page' } },
    }),
};

const keyPem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'correct horse',
});
let take;
const server = createServer(async (request, response) => {
  const file = new URL(request.url, 'http://page').pathname;
  if (file === '/result') {
    request.setEncoding('utf8');
    let body = '';
    for await (const chunk of request) body += chunk;
    take(body);
    response.end();
  } else if (file === '/key.pem') response.end(keyPem);
  else if (file.endsWith('.js')) {
    response.setHeader('Content-Type', 'text/javascript').end(readFileSync(`out${file}`));
  } else {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><script type="module" src="page.js"></script>');
  }
}).listen(0, '127.0.0.1');
await once(server, 'listening');

for (const [name, bundle] of Object.entries(bundlers)) {
  await bundle(`out/${name}`);
  const answer = await open(`http://127.0.0.1:${server.address().port}/${name}/`);
  assert.equal(answer, '1,2,3 1,2,3 KeyNotFoundError', name);
}
server.close();
server.closeAllConnections();

/** Opens a page in a new Chromium, and returns what it sends. */
async function open(url) {
  const result = new Promise((resolve) => {
    take = resolve;
  });
  const flags =
    '--headless --no-sandbox --disable-gpu --no-first-run --disable-quic --disable-sync';
  const quiet = '--disable-background-networking --disable-component-update';
  // Not removed here: the helpers of a browser that has just ended may still write into it.
  const profile = mkdtempSync(path.resolve('profile-'));
  const args = [...flags.split(' '), ...quiet.split(' '), `--user-data-dir=${profile}`, url];
  const chromium = spawn('/usr/bin/chromium', args, { stdio: 'ignore' });
  const ended = once(chromium, 'exit').then(() => 'Chromium ended');
  const answer = await Promise.race([result, ended]);
  chromium.kill();
  await ended;
  return answer;
}
