// Runs third-party clients of AWS KMS against the KMS server, and with each other through it.
import { CLIENTS } from './clients.js';
import { runCross } from './cross.js';
import { EXAMPLE_TITLES, runExamples } from './examples.js';
import { openBench } from './keys.js';
import { mark } from './outcome.js';
import { report, survey } from './report.js';
import { Session } from './session.js';
import { formatTable } from './table.js';

const { installed, outcomes } = survey('Clients', CLIENTS);

await using bench = await openBench();
const start = (secretAccessKey: string) =>
  installed.map((client) => new Session(client, { ...bench.surroundings, secretAccessKey }));
const sessions = start(bench.surroundings.secretAccessKey);
const forgers = start('not the secret');

console.log('The examples of the AWS documentation, and what is rejected');
const examples = await Promise.all(
  sessions.map((session, index) => runExamples(session, forgers[index] as Session, bench.judge)),
);
outcomes.push(...examples.flat());
const exampleRows = sessions.map(({ client }, index) => [
  client,
  ...(examples[index] ?? []).map((outcome) => mark([outcome])),
]);
console.log(`${formatTable([['', ...EXAMPLE_TITLES], ...exampleRows])}\n`);

console.log('What the client on the left encrypts, the one above decrypts, in four ways each');
const pairs = await runCross(sessions);
outcomes.push(...pairs.map(({ outcome }) => outcome));
const names = sessions.map(({ client }) => client);
const crossRows = names.map((writer) => [
  writer,
  ...names.map((reader) =>
    mark(
      pairs
        .filter((pair) => pair.writer === writer && pair.reader === reader)
        .map(({ outcome }) => outcome),
    ),
  ),
]);
console.log(`${formatTable([['', ...names], ...crossRows])}\n`);

for (const session of [...sessions, ...forgers]) session.close();

report(outcomes);
