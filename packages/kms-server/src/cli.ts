#!/usr/bin/env node
import { createWriteStream } from 'node:fs';
import { KeyWrapError } from '@keywrap/core';
import { DamagedStoreError } from '@keywrap/provider-local/store';
import { readCommandLine, USAGE, VERSION } from './command-line.js';
import { logJsonLines } from './log.js';
import { startKmsServer } from './server.js';

/** The same as those of keywrap-store. */
function exitCodeOf(error: unknown): number {
  if (error instanceof DamagedStoreError) return 3;
  return error instanceof KeyWrapError && error.code === 'ACCESS_DENIED' ? 4 : 1;
}

// Readers may go away.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
try {
  const command = await readCommandLine(process.argv.slice(2));
  if (command === 'help') console.log(USAGE);
  else if (command === 'version') console.log(VERSION);
  else {
    // A pipe of the process itself would block it while its reader is slow.
    const stderr = createWriteStream('', { fd: process.stderr.fd, autoClose: false });
    const server = await startKmsServer({ ...command, log: logJsonLines(stderr) });
    console.log(`keywrap-kms is listening on ${server.url}`);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => void server.close());
    }
  }
} catch (error) {
  console.error(`keywrap-kms: ${error instanceof Error ? error.message : error}`);
  process.exitCode = exitCodeOf(error);
}
