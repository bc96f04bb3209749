import { readFileSync, writeFileSync } from 'node:fs';
import type { ConformanceCase } from '../case.js';
import { HarnessError } from '../failure.js';
import type { ConformanceHarness } from '../harness.js';
import { formatJson } from '../report/json.js';
import { formatJunit } from '../report/junit.js';
import { formatList } from '../report/list.js';
import { formatMarkdown } from '../report/markdown.js';
import { formatReport } from '../report/text.js';
import {
  type ConformanceReport,
  casesIn,
  isViolation,
  runConformance,
} from '../run-conformance.js';
import {
  type CommandOptions,
  readArguments,
  type Selection,
  USAGE,
  UsageError,
} from './arguments.js';
import { loadHarness } from './load-harness.js';
import { Progress, type Screen } from './progress.js';

const FORMATTERS = {
  text: formatReport,
  markdown: formatMarkdown,
  json: formatJson,
  junit: formatJunit,
} as const;

/**
 * Runs the command, and returns its exit code.
 *
 * @param signal Ends the run when it is aborted.
 */
export async function runCommand(
  args: readonly string[],
  stdout: Screen,
  stderr: Screen,
  signal?: AbortSignal,
): Promise<0 | 1 | 2> {
  try {
    const asked = readArguments(args);
    if (asked === 'help') stdout.write(USAGE);
    else if (asked === 'version') stdout.write(`${version()}\n`);
    else if ('list' in asked) stdout.write(`${formatList(selected(asked.list))}\n`);
    else return await judge(asked.run, stdout, stderr, signal);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    stderr.write(`keywrap-conformance: ${error.message}\n(see --help)\n`);
    return 2;
  }
}

async function judge(
  options: CommandOptions,
  stdout: Screen,
  stderr: Screen,
  signal?: AbortSignal,
): Promise<0 | 1 | 2> {
  const { length } = selected(options);
  const harness = await loadHarness(options.module);
  const progress = new Progress(stderr, length);
  let report: ConformanceReport;
  try {
    report = await run(harness, options, progress, signal);
  } finally {
    progress.end();
  }
  const text = `${FORMATTERS[options.format](report)}\n`;
  if (options.output === undefined) stdout.write(text);
  else write(options.output, text);
  if (report.harnessError !== undefined || signal?.aborted) return 2;
  return report.results.some(isViolation) ? 1 : 0;
}

function selected({ only, profile }: Selection): readonly ConformanceCase[] {
  try {
    return casesIn(only, profile);
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

async function run(
  harness: ConformanceHarness,
  { module, output: _, format: __, ...options }: CommandOptions,
  { advance }: Progress,
  signal?: AbortSignal,
): Promise<ConformanceReport> {
  try {
    return await runConformance(harness, {
      ...options,
      signal,
      onCase: advance,
      repeat: (id, seed) => `npx keywrap-conformance ${quoted(module)} --only ${id} --seed ${seed}`,
    });
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    throw error.cause instanceof UsageError
      ? error.cause
      : new UsageError(`${module}: ${error.explanation}`, { cause: error });
  }
}

/** Quotes a path for a POSIX shell, if it needs quotes. */
function quoted(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`can't write ${file}: ${(error as Error).message}`, { cause: error });
  }
}

function version(): string {
  const manifest = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
