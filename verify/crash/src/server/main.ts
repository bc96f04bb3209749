import {
  missingPostgres,
  PostgresServer,
} from '../../../../packages/provider-local/dist-test/store/postgres-server.js';
import { crash, newReport } from './crash.js';

// npm run test:crash:kms [kills]: nothing that a server has acknowledged is ever lost.

const total = Number(process.argv[2] ?? 60);
if (!Number.isInteger(total) || total < 1) {
  console.error('npm run test:crash:kms -- [KILLS], a whole number');
  process.exit(2);
}
const began = Date.now();
const report = newReport();

console.log('one server at a time');
await spread(Math.ceil(total / 3), 15, 1);
console.log('two servers on one store');
await spread(Math.ceil(total / 3), 16, 2);
const missing = missingPostgres();
if (missing === undefined) {
  console.log('two servers on one store in PostgreSQL');
  const server = await PostgresServer.start();
  try {
    await spread(Math.ceil(total / 3), 16, 2, () => server.newUrl());
  } finally {
    await server.stop();
  }
} else {
  console.log(`PostgreSQL: not here: ${missing}`);
}

const { keys, aliases, ciphertexts } = report.held;
console.log(`still there: ${keys} keys, ${aliases} aliases, ${ciphertexts} ciphertexts that open`);
for (const lost of report.lost.slice(0, 20)) console.error(`lost: ${lost}`);
const seconds = Math.round((Date.now() - began) / 1000);
console.log(
  `${report.kills} kills, ${report.recoveries} recoveries, ${report.lost.length} lost (${seconds} s)`,
);
process.exit(report.lost.length === 0 && report.recoveries === report.kills ? 0 : 1);

/** The number of kills of one store. */
async function spread(
  kills: number,
  atMost: number,
  servers: number,
  newUrl?: () => Promise<string>,
): Promise<void> {
  for (let left = kills; left > 0; left -= atMost) {
    const where = newUrl === undefined ? {} : { location: await newUrl() };
    await crash(report, { kills: Math.min(left, atMost), servers, ...where });
    console.log(`  ${report.kills} kills, ${report.lost.length} lost`);
  }
}
