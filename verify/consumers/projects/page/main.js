// Runs the suite in a page in Chromium: the bundle has no module of Node.js in it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { build } from 'esbuild';

const { outputFiles } = await build({
  entryPoints: ['page.js'],
  bundle: true,
  platform: 'browser',
  format: 'esm',
  write: false,
});

let receive;
const report = new Promise((resolve) => {
  receive = resolve;
});
const server = createServer(async (request, response) => {
  if (request.url === '/page.js') {
    response.setHeader('content-type', 'text/javascript');
    response.end(outputFiles[0].text);
  } else if (request.url === '/report') {
    receive(await json(request));
    response.end();
  } else {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><script type="module" src="/page.js"></script>');
  }
}).listen(0, '127.0.0.1');
await once(server, 'listening');

const profile = await mkdtemp(path.join(tmpdir(), 'keywrap-page-'));
const url = `http://127.0.0.1:${server.address().port}/`;
const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`, url];
const browser = spawn('/usr/bin/chromium', flags, { stdio: 'ignore' });
const ended = once(browser, 'exit');
try {
  const reports = await Promise.race([
    report,
    ended.then(() => assert.fail('Chromium ended without a report')),
  ]);
  assert.equal(reports.length, 2);
  for (const { name, passed, failed, text } of reports) {
    assert.equal(failed, 0, text);
    assert.ok(passed > 100, text);
    console.log(`${name}: ${text.split('\n').at(-1)}`);
  }
} finally {
  browser.kill();
  await ended;
  server.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
