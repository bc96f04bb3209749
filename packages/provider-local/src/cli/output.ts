import type { OnProgress } from '../file-store/backup.js';

/** A table with aligned columns, two spaces apart. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Shows on a terminal how far a long work is; nothing where there is none. */
export function showProgress(what: string): OnProgress {
  const { stderr } = process;
  return (done, total) => {
    if (!stderr.isTTY) return;
    stderr.write(done < total ? `\r${done} of ${total} ${what} ` : '\r\u001b[K');
  };
}
