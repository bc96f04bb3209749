import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { saveFinding } from './findings.js';
import { replay } from './replay.js';
import { type Outcome, supervise } from './supervise.js';
import { formatTable } from './table.js';
import { targets } from './targets.js';

const USAGE = `npm run fuzz -- [--only NAME]... [--seconds N] [--seed N]
npm run fuzz -- --only NAME --replay FILE

  --only NAME    fuzzes this target alone; may be given more than once
  --seconds N    how long each target is fuzzed; 60 unless it is given
  --seed N       where the inputs begin; by default a new number, which is printed
  --replay FILE  runs the target on this one input
  --help         prints this

Targets: ${targets.map(({ name }) => name).join(', ')}`;

const values = readArguments();

const seconds = Number(values.seconds);
const seed = Number(values.seed);
const unknown = values.only?.find((name) => !targets.some((target) => target.name === name));
const mistake =
  unknown !== undefined
    ? `there is no target ${unknown}`
    : !(seconds > 0) || !Number.isInteger(seed)
      ? '--seconds must be a number above 0, --seed an integer'
      : values.replay !== undefined && values.only?.length !== 1
        ? '--replay needs one target: --only NAME'
        : undefined;

if (values.help || mistake !== undefined) {
  if (mistake !== undefined) console.error(`${mistake}\n`);
  console.error(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else if (values.replay !== undefined) {
  const problem = await replay(values.only?.[0] as string, await readFile(values.replay));
  console.log(problem ?? 'the target handles it');
  process.exitCode = problem === undefined ? 0 : 1;
} else {
  await fuzzAll(values.only ?? targets.map(({ name }) => name));
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        seconds: { type: 'string', default: '60' },
        seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
        replay: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function fuzzAll(names: readonly string[]): Promise<void> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  console.error(`--seed ${seed}`);
  const outcomes: Outcome[] = [];
  for (const name of names) {
    if (interrupted.signal.aborted) break;
    console.error(`${name}: ${seconds} s`);
    const outcome = await supervise(name, { seed, seconds, signal: interrupted.signal });
    outcomes.push(outcome);
    if (!('problem' in outcome.result)) continue;
    process.exitCode = 1;
    const file = await saveFinding('verify/fuzz/findings', name, outcome.result);
    console.error(`\n${outcome.result.problem}\n\nThe input is in ${file}\nAgain with:`);
    console.error(`  npm run fuzz -- --only ${name} --replay ${file}\n`);
  }
  console.log(formatTable(outcomes));
}
