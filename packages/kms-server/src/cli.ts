#!/usr/bin/env node
import cluster from 'node:cluster';
import { createWriteStream } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { KeyWrapError } from '@keywrap/core';
import { DamagedStoreError } from '@keywrap/provider-local/store';
import {
  type Command,
  readCommandLine,
  storeOf,
  USAGE,
  UsageError,
  VERSION,
} from './command-line.js';
import { logJsonLines } from './log.js';
import { startKmsServer } from './server.js';
import { startWorker, startWorkers } from './workers.js';

/** How long lines that are not written yet keep this process alive, in milliseconds: perhaps nobody reads them. */
const LAST_LINES = 1000;

/** The same as those of keywrap-store. */
function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return 2;
  if (error instanceof DamagedStoreError) return 3;
  return error instanceof KeyWrapError && error.code === 'ACCESS_DENIED' ? 4 : 1;
}

function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, port, message } = error as NodeJS.ErrnoException & { readonly port?: number };
  return code === 'EADDRINUSE'
    ? `port ${port} is in use; choose another with --port, 0 takes a free one`
    : message.replaceAll('\n', ' ');
}

/** Serves in this process, or in workers of it. */
async function serve(command: Command): Promise<void> {
  if (command.workers > 1) {
    const url = await startWorkers(command, stderr(), endSoon);
    if (url !== undefined) announce(url);
    return;
  }
  const { options, store } = command;
  const server = await startKmsServer({ ...options, store, log: logJsonLines(stderr()) });
  closeOnSignal(async () => {
    await server.close();
    endSoon();
  });
  announce(server.url);
}

async function serveAsWorker(): Promise<void> {
  const server = await startWorker(storeOf(process.argv.slice(2)), logJsonLines(stderr()));
  closeOnSignal(async () => {
    await server.close();
    process.channel?.unref();
    endSoon();
  });
}

/**
 * Returns a stream that blocks nobody while its reader is slow. Node.js's own does not where it is a pipe, and to a pipe
 * that it has opened no other stream can write: that one's first write to a full pipe is an error.
 */
function stderr(): Writable {
  const { stderr: own } = process;
  if (own instanceof Socket && !own.isTTY) return own;
  const stream = createWriteStream('', { fd: own.fd, autoClose: false });
  // The reader may go away.
  return stream.on('error', () => {});
}

function closeOnSignal(close: () => Promise<void>): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void close());
}

/** Ends this process when the last lines of its log are written, or soon. */
function endSoon(): void {
  setTimeout(() => process.exit(), LAST_LINES).unref();
}

function announce(url: string): void {
  console.log(`keywrap-kms is listening on ${url}`);
}

// Readers may go away.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
try {
  const command = cluster.isWorker ? 'worker' : await readCommandLine(process.argv.slice(2));
  if (command === 'worker') await serveAsWorker();
  else if (command === 'help') console.log(USAGE);
  else if (command === 'version') console.log(VERSION);
  else await serve(command);
} catch (error) {
  console.error(`keywrap-kms: ${problemOf(error)}`);
  process.exitCode = exitCodeOf(error);
  // Its channel to the primary would keep it alive.
  if (cluster.isWorker) process.exit();
}
