// The matrix as Markdown and as a picture.

import { PROFILES } from '@keywrap/testkit';

const MARKS = { passed: '✅', failed: '❌', 'not applicable': '–' };
const COLOURS = { passed: '#2da44e', failed: '#cf222e', 'not applicable': '#d0d7de' };
const [ROW, COLUMN, LABEL, HEAD] = [18, 150, 250, 30];

export function drawMarkdown({ columns, rules, date, versions }) {
  const cell = ({ status, passed, failed, byCore }) => {
    const core = byCore > 0 ? `core ${byCore}` : '';
    if (status === 'not applicable') return core || '–';
    const own = `${MARKS[status]} ${passed}${failed ? ` (${failed} failed)` : ''}`;
    return core ? `${own}, ${core}` : own;
  };
  const rows = rules.map(
    ({ rule, results }) => `| ${rule.statement} | ${results.map(cell).join(' | ')} |`,
  );
  const totals = columns.map(({ passed, failed, notApplicable }) =>
    [`${passed} passed`, `${failed} failed`, `${notApplicable} n/a`].join(', '),
  );
  return [
    '# Conformance',
    '',
    'Which provider keeps to which rule, from real runs of the whole suite. `npm run conformance:matrix`',
    'writes this page.',
    '',
    `${date}, ${versions.join(', ')}.`,
    '',
    '![The same as a picture: rules down, providers across](conformance.svg)',
    '',
    `| rule | ${columns.map(({ name }) => name).join(' | ')} |`,
    `| --- | ${columns.map(() => '---').join(' | ')} |`,
    ...rows,
    `| **all** | ${totals.join(' | ')} |`,
    '',
    'The number is how many cases passed; – means that nothing of the rule applies, because the provider',
    'does not declare it (or, for what is rejected when it is not declared, because it does). _core_ counts the',
    'cases about what `@keywrap/core` does for every driver; they are tested with core. A column with _(quick)_ ran that',
    'profile: SoftHSM looks through all of its keys for each call, so `full` takes long (`-- --whole` runs it).',
    '',
    '## What goes wrong, and what finds it',
    '',
    'For each kind of fault: its cases, how many of them each profile adds, and which faults they find. Where they draw',
    'samples, `soak` draws more than `full` (`npm run test:soak`), and a right provider fails one by chance less than once',
    'in 2^40 runs. Each rule is a line of the contract, in the README of `@keywrap/core`.',
    '',
    '| kind | rule | cases | finds |',
    '| --- | --- | --- | --- |',
    ...powers(rules),
    '',
  ].join('\n');
}

const KINDS = {
  'Nonces and randomness': ['unique-nonces', 'random-data-keys', 'key-pair-strength'],
  'State and names': ['current-state', 'exact-key-ids', 'rotation'],
  Contexts: ['context-families', 'input-read-once'],
  Content: ['content-independent', 'damage-indistinguishable'],
  RSA: ['rsa-padding'],
  Concurrency: ['concurrency-at-scale'],
  'What came before': ['any-sequence'],
  'Rare faults': ['no-rare-faults'],
  Leaks: ['no-partial-leaks', 'no-retention'],
  'Backends that change by themselves': ['outside-changes'],
  Resources: ['resources'],
  Outages: ['outages'],
};

/** One row for each rule with a stated power, by kind of fault. */
function powers(rules) {
  const stated = rules.filter(({ rule }) => rule.power !== undefined);
  const unknown = stated.filter(({ rule }) => !Object.values(KINDS).flat().includes(rule.id));
  if (unknown.length > 0) throw new Error(`no kind has the rule ${unknown[0].rule.id}`);
  return Object.entries(KINDS).flatMap(([kind, ids]) =>
    ids.map((id) => {
      const { rule, cases } = stated.find((each) => each.rule.id === id);
      const prefixes = [...new Set(cases.map((each) => `\`${each.id.split('-')[0]}\``))];
      const counts = PROFILES.map((profile) => [
        profile,
        cases.filter((each) => each.profile === profile).length,
      ]).filter(([, count]) => count > 0);
      const shown = counts.map(([profile, count]) => `${profile} ${count}`).join(', ');
      return `| ${kind} | \`${id}\` | ${prefixes.join(' ')}: ${shown} | ${rule.power} |`;
    }),
  );
}

export function drawSvg({ columns, rules, date }) {
  const width = LABEL + columns.length * COLUMN;
  const height = HEAD + (rules.length + 1) * ROW;
  const text = (x, y, content, more = '') => `<text x="${x}" y="${y}"${more}>${content}</text>`;
  const heads = columns.map(({ name }, i) =>
    text(LABEL + i * COLUMN, 18, name, ' font-weight="600"'),
  );
  const rows = rules.flatMap(({ rule, results }, i) => {
    const y = HEAD + i * ROW;
    return [
      text(0, y + 12, rule.id),
      ...results.map(({ status, passed, byCore }, j) => {
        const x = LABEL + j * COLUMN;
        const isByCore = status === 'not applicable' && byCore > 0;
        const label = isByCore
          ? 'done by core'
          : status === 'not applicable'
            ? status
            : `${passed} passed`;
        const colour = isByCore ? COLOURS.passed : COLOURS[status];
        return `<rect x="${x}" y="${y}" width="${COLUMN - 6}" height="${ROW - 3}" rx="3" fill="${colour}"><title>${rule.id}, ${columns[j].name}: ${label}</title></rect>`;
      }),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#57606a">`,
    '<title>Rules by provider: green passed, red failed, grey not applicable</title>',
    ...heads,
    ...rows,
    text(0, height - 4, date),
    '</svg>',
    '',
  ].join('\n');
}
