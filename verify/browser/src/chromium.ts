import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The program; undefined if it is not on this machine. */
export const CHROMIUM: string | undefined =
  process.env.KEYWRAP_TEST_CHROMIUM ?? PLACES.find((place) => existsSync(place));

/** Without a window, in an empty profile, and without requests of its own to anywhere. */
const OPTIONS = [
  '--headless',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-quic',
  '--disable-sync',
  // Its sandbox does not run as root; the pages are ours.
  '--no-sandbox',
];

/** A running browser. */
export interface Browser {
  close(): Promise<void>;
}

/** Starts a browser with a page. */
export async function openBrowser(program: string, url: string): Promise<Browser> {
  const profile = await mkdtemp(path.join(tmpdir(), 'keywrap-chromium-'));
  const browser: ChildProcess = spawn(program, [...OPTIONS, `--user-data-dir=${profile}`, url], {
    stdio: 'ignore',
    env: { ...process.env, HOME: profile },
  });
  const ended = new Promise((resolve) => browser.once('close', resolve));
  return {
    async close() {
      browser.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
