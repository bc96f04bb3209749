import type { ConformanceCase } from '../case.js';

/** Lists cases by rule: the rule with its source, then the id and the title of each case. */
export function formatList(cases: readonly ConformanceCase[]): string {
  const rules = new Set(cases.map(({ rule }) => rule));
  return [
    ...[...rules].flatMap((rule) => [
      `${rule.id}: ${rule.statement}`,
      `  (${rule.source})`,
      ...cases.filter((each) => each.rule === rule).map(formatCase),
      '',
    ]),
    `${cases.length} cases of ${rules.size} rules`,
  ].join('\n');
}

function formatCase({ id, title, level, profile }: ConformanceCase): string {
  const notes = [level === 'must' ? '' : level, profile === 'quick' ? '' : profile];
  const shown = notes.filter((note) => note !== '').join(', ');
  return `  ${id.padEnd(9)} ${title}${shown && ` [${shown}]`}`;
}
