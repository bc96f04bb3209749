// Has the AWS Encryption SDKs and keywrap open each other's messages, through the KMS server. Takes the names of SDKs that
// take minutes to build, to run with those too.
import { openBench } from '../keys.js';
import { mark } from '../outcome.js';
import { report, survey } from '../report.js';
import { Session } from '../session.js';
import { formatTable } from '../table.js';
import { type Delivery, exchange } from './exchange.js';
import { keywrapParties, sdkParty } from './party.js';
import { SDKS, SLOW_SDKS } from './sdks.js';

const slow = SLOW_SDKS.filter(({ name }) => process.argv.includes(name));
const { installed, outcomes } = survey('AWS Encryption SDKs', [...SDKS, ...slow]);

await using bench = await openBench();
const sessions = installed.map((sdk) => new Session(sdk, bench.surroundings));
const parties = [...keywrapParties(bench), ...sessions.map((session) => sdkParty(session, bench))];
const deliveries = await exchange(parties);
for (const party of parties) await party.close();
outcomes.push(...deliveries.map(({ outcome }) => outcome));

const names = parties.map(({ name }) => name);
/** "12 ok", of the messages that were opened; "-" where none was written. */
const count = (wanted: Partial<Delivery>) => {
  const found = deliveries.filter((delivery) =>
    Object.entries(wanted).every(([name, value]) => delivery[name as keyof Delivery] === value),
  );
  return found.length === 0 ? '-' : `${found.length} ${mark(found.map(({ outcome }) => outcome))}`;
};
console.log('What the party on the left seals, the one above opens');
const pairRows = names.map((writer) => [
  writer,
  ...names.map((reader) => count({ writer, reader })),
]);
console.log(`${formatTable([['', ...names], ...pairRows])}\n`);

console.log('The kind of message on the left, sealed by the party above, opened by all');
const kinds = [...new Set(deliveries.map(({ kind }) => kind))];
const kindRows = kinds.map((kind) => [kind, ...names.map((writer) => count({ writer, kind }))]);
console.log(`${formatTable([['', ...names], ...kindRows])}\n`);

report(outcomes);
