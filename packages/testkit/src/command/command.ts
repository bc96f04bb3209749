import { readFileSync, writeFileSync } from 'node:fs';
import type { ConformanceHarness } from '../harness.js';
import { formatJson } from '../report/json.js';
import { formatJunit } from '../report/junit.js';
import { formatMarkdown } from '../report/markdown.js';
import { formatReport } from '../report/text.js';
import { type ConformanceReport, casesIn, runConformance } from '../run-conformance.js';
import { type CommandOptions, readArguments, USAGE, UsageError } from './arguments.js';
import { loadHarness } from './load-harness.js';
import { Progress, type Screen } from './progress.js';

const FORMATTERS = {
  text: formatReport,
  markdown: formatMarkdown,
  json: formatJson,
  junit: formatJunit,
} as const;

/** Runs the command, and returns its exit code. */
export async function runCommand(
  args: readonly string[],
  stdout: Screen,
  stderr: Screen,
): Promise<0 | 1 | 2> {
  try {
    const options = readArguments(args);
    if (options === 'help') stdout.write(USAGE);
    else if (options === 'version') stdout.write(`${version()}\n`);
    else return await judge(options, stdout, stderr);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    stderr.write(`keywrap-conformance: ${error.message}\n(see --help)\n`);
    return 2;
  }
}

async function judge(options: CommandOptions, stdout: Screen, stderr: Screen): Promise<0 | 1> {
  const total = countCases(options);
  const harness = await loadHarness(options.module);
  const progress = new Progress(stderr, total);
  let report: ConformanceReport;
  try {
    report = await run(harness, options, progress);
  } finally {
    progress.end();
  }
  const text = `${FORMATTERS[options.format](report)}\n`;
  if (options.output === undefined) stdout.write(text);
  else write(options.output, text);
  const isWrong = report.results.some(
    ({ level, status }) => level === 'must' && status === 'failed',
  );
  return isWrong ? 1 : 0;
}

function countCases({ only }: CommandOptions): number {
  try {
    return casesIn(only).length;
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

async function run(
  harness: ConformanceHarness,
  { only, timeoutMs, seed, module }: CommandOptions,
  { advance }: Progress,
): Promise<ConformanceReport> {
  try {
    return await runConformance(harness, { only, timeoutMs, seed, onCase: advance });
  } catch (error) {
    // Cases do not throw, so opening the provider failed.
    if (error instanceof UsageError) throw error;
    throw new UsageError(`can't open the provider of ${module}: ${String(error)}`, {
      cause: error,
    });
  }
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
