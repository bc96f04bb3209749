import { readFileSync } from 'node:fs';
import { KeyWrapError } from '@keywrap/core';
import { DamagedStoreError } from '../store/errors.js';
import { ACTIONS } from './actions.js';
import { parseArguments, UsageError } from './arguments.js';
import { HELP } from './help.js';
import { print } from './output.js';

/** The exit codes of the command; part of its interface. */
const EXIT = { done: 0, failed: 1, usage: 2, damaged: 3, denied: 4 } as const;

/** Runs the command. @returns The exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  try {
    const { action, ...rest } = parseArguments(args);
    if (action === 'help') {
      process.stdout.write(HELP);
      return EXIT.done;
    }
    if (action === 'version') {
      const manifest = new URL('../../package.json', import.meta.url);
      print(JSON.parse(readFileSync(manifest, 'utf8')).version);
      return EXIT.done;
    }
    return (await ACTIONS[action](rest)) ? EXIT.done : EXIT.damaged;
  } catch (error) {
    if (!(error instanceof KeyWrapError || error instanceof UsageError)) throw error;
    process.stderr.write(`keywrap-store: ${error.message}\n`);
    if (error instanceof UsageError) return EXIT.usage;
    if (error instanceof DamagedStoreError) return EXIT.damaged;
    return error.code === 'ACCESS_DENIED' ? EXIT.denied : EXIT.failed;
  }
}
