#!/usr/bin/env node
import { KeyWrapError } from '@keywrap/core';
import { ACTIONS } from './actions.js';
import { readArguments, UsageError } from './arguments.js';
import { HELP } from './help.js';

/** What the command exits with; part of its interface. */
const EXIT = { done: 0, failed: 1, usage: 2, damaged: 3, denied: 4 } as const;

/** Runs the command. @returns What to exit with. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const { action, ...rest } = readArguments(args);
    if (action === 'help') {
      process.stdout.write(HELP);
      return EXIT.done;
    }
    return (await ACTIONS[action](rest)) ? EXIT.done : EXIT.damaged;
  } catch (error) {
    if (!(error instanceof KeyWrapError || error instanceof UsageError)) throw error;
    process.stderr.write(`keywrap-store: ${error.message}\n`);
    if (error instanceof UsageError) return EXIT.usage;
    return error.code === 'ACCESS_DENIED' ? EXIT.denied : EXIT.failed;
  }
}

process.exitCode = await main(process.argv.slice(2));
