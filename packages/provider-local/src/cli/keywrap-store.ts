#!/usr/bin/env node
import { runCommand } from './run-command.js';

// It is not a failure if the reader, such as head(1), closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
process.exitCode = await runCommand(process.argv.slice(2));
