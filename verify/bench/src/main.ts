import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { summarize } from './benchmark.js';
import { benchmarks } from './benchmarks.js';
import { drawPicture } from './picture.js';
import { formatTable, type Outcome } from './table.js';

const USAGE = `npm run bench -- [--only NAME]... [--floors] [--json FILE] [--svg FILE]

  --only NAME  runs this benchmark alone; may be given more than once
  --json FILE  writes the results as a JSON array
  --svg FILE   writes them as a picture`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    svg: { type: 'string' },
    help: { type: 'boolean' },
  },
});

const names = benchmarks.map(({ name }) => name);
const unknown = values.only?.find((name) => !names.includes(name));
if (values.help || unknown !== undefined) {
  if (unknown !== undefined) console.error(`there is no benchmark ${unknown}\n`);
  console.error(`${USAGE}\n\nBenchmarks: ${names.join(', ')}`);
  process.exit(values.help ? 0 : 2);
}

const outcomes: Outcome[] = [];
for (const benchmark of benchmarks) {
  if (values.only !== undefined && !values.only.includes(benchmark.name)) continue;
  if (benchmark.missing !== undefined) {
    console.error(`${benchmark.name}: left out: ${benchmark.missing}`);
    continue;
  }
  console.error(`${benchmark.name}: ${benchmark.ours}, against ${benchmark.reference}`);
  try {
    outcomes.push({ benchmark, result: summarize(benchmark, await benchmark.measure()) });
  } catch (error) {
    console.error(error);
    outcomes.push({ benchmark, result: error as Error });
  }
}

for (const { release } of benchmarks) await release?.();

console.log(formatTable(outcomes));
const results = outcomes.flatMap(({ result }) => (result instanceof Error ? [] : [result]));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
if (values.svg !== undefined) writeFileSync(values.svg, drawPicture(outcomes));
process.exitCode = results.length === outcomes.length ? 0 : 1;
