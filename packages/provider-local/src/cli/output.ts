import type { OnProgress } from '../store/verify.js';

/** Writes a line to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** A table with aligned columns, two spaces apart. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name) => name.length);
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return [head, ...rows]
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

/** How often progress is shown, in milliseconds: on a terminal, and where each time is a line. */
const INTERVAL = { terminal: 100, line: 10_000 } as const;

/**
 * Shows on standard error how far a long work is: on a terminal in one line that changes and goes away,
 * elsewhere in plain lines, of which a short work has none.
 *
 * @param what What is done, and to what: `verifying rows`.
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
