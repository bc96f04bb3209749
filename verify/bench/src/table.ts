import type { Benchmark, Result } from './benchmark.js';

/** A benchmark and its outcome: a result, or the error that kept it from running. */
export interface Outcome {
  readonly benchmark: Benchmark;
  readonly result: Result | Error;
}

/** Formats the outcomes as a table in Markdown, which is also readable in a terminal. */
export function formatTable(outcomes: readonly Outcome[]): string {
  const rows = [
    ['name', 'ours', 'reference', 'ratio', 'spread', 'target', 'ok'],
    ...outcomes.map(({ benchmark, result }) =>
      result instanceof Error
        ? [benchmark.name, 'failed', '', '', '', formatTarget(benchmark), 'no']
        : [
            benchmark.name,
            `${figure(result.ours)} ${result.unit}`,
            `${figure(result.reference)} ${result.unit}`,
            figure(result.ratio),
            `± ${(result.spread / 2).toFixed(2)}`,
            formatTarget(benchmark),
            result.ok ? 'yes' : 'no',
          ],
    ),
  ];
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] as number));
    return `| ${cells.join(' | ')} |`;
  });
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

/** `≤ 1.30`, or `≤ + 15 ms` if the target is a difference. */
export function formatTarget({ target, unit }: Benchmark): string {
  return 'ratio' in target ? `≤ ${target.ratio.toFixed(2)}` : `≤ + ${target.more} ${unit}`;
}

/** Three significant digits, as a reader writes them. */
export function figure(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}
