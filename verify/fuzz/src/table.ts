import type { Outcome } from './supervise.js';

/** The outcomes as a table in Markdown, which reads well in a terminal too. */
export function formatTable(outcomes: readonly Outcome[]): string {
  const rows = [
    ['target', 'inputs', 'inputs/s', 'kept', 'functions', 'findings'],
    ...outcomes.map(({ name, result }) =>
      'problem' in result
        ? [name, String(result.inputs), '', '', '', '1']
        : [
            name,
            String(result.inputs),
            (result.inputs / result.seconds).toFixed(0),
            String(result.pool),
            String(result.functions),
            '0',
          ],
    ),
  ];
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] as number;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${cells.join(' | ')} |`;
  });
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [lines[0], `| ${rule.join(' | ')} |`, ...lines.slice(1)].join('\n');
}
