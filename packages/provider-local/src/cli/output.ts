import type { OnProgress } from '../store/verify.js';

/** Writes a line to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** For example `1 key`, `2 keys`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A table with aligned columns, two spaces apart. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = header.map((name) => name.length);
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return [header, ...rows]
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

/** The interval of progress in milliseconds: on a terminal, and for plain lines. */
const INTERVAL = { terminal: 100, line: 10_000 } as const;

/**
 * Shows progress on standard error: on a terminal in one line that is updated and then cleared, elsewhere in
 * plain lines, with none for short work.
 *
 * @param what Names the work, for example `verifying rows`.
 */
export function showProgress(what: string): OnProgress {
  const { stderr } = process;
  const interval = stderr.isTTY ? INTERVAL.terminal : INTERVAL.line;
  let shownAt = stderr.isTTY ? Number.NEGATIVE_INFINITY : performance.now();
  return (done, total) => {
    const now = performance.now();
    const isDone = done >= total;
    if (!isDone && now - shownAt < interval) return;
    shownAt = now;
    const text = `${what}: ${done} of ${total} (${Math.floor((100 * done) / (total || 1))} %)`;
    if (!stderr.isTTY) {
      if (!isDone) stderr.write(`${text}\n`);
    } else stderr.write(isDone ? '\r\u001b[K' : `\r${text}\u001b[K`);
  };
}
