import { prove, type Verdict } from './judge.js';
import type { BlindProof } from './judge-blind.js';

const WIDTH = 140;
const GAP = '  ';

/** The verdicts as a table, then what is wrong, then the numbers. */
export function formatVerdicts(verdicts: readonly Verdict[]): string {
  const { survivors, idle, must } = prove(verdicts);
  const killed = verdicts.length - survivors.length;
  const nameWidth = Math.min(72, widest(['mutant', ...verdicts.map(({ name }) => name)]));
  const ruleWidth = widest(['breaks', ...verdicts.map(({ breaks }) => breaks)]);
  const casesWidth = WIDTH - nameWidth - ruleWidth - 2 * GAP.length;
  const row = (name: string, rule: string, cases: string) =>
    [shorten(name, nameWidth).padEnd(nameWidth), rule.padEnd(ruleWidth), cases].join(GAP);
  return [
    row('mutant', 'breaks', 'caught by'),
    ...verdicts.map(({ name, breaks, caughtBy }) => {
      const ids = caughtBy.map(({ id }) => id);
      return row(name, breaks, list(ids, casesWidth) || 'NOTHING');
    }),
    '',
    ...survivors.map(({ name, breaks }) => `no case of ${breaks} caught: ${name}`),
    ...idle.map((id) => `caught no mutant of its rule: ${id} (--update looks at all of them)`),
    `killed ${killed} of ${verdicts.length}, ${must - idle.length} of ${must} cases earn their place`,
  ].join('\n');
}

/** What was not caught of the mutants that were written blind, then the numbers. */
export function formatBlind({ survivors, total }: BlindProof): string {
  return [
    ...survivors.map(({ set, name, why }) => `not caught (set ${set}): ${name}: ${why}`),
    `blind: killed ${total - survivors.length} of ${total}`,
  ].join('\n');
}

/** As many as fit, and how many more there are. */
function list(ids: readonly string[], width: number): string {
  const all = ids.join(' ');
  if (all.length <= width) return all;
  const shown = all.slice(0, width - '+999'.length).replace(/ ?\S*$/, '');
  return `${shown} +${ids.length - shown.split(' ').length}`;
}

function shorten(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 3)}...` : text;
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map(({ length }) => length));
}
