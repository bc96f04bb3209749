// Prints what the published packages depend on, and exits with 1 when that is more, or comes from elsewhere,
// than was agreed to in limits.json. Reads installed packages only, without a network.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { publishedPackages } from './dependencies.js';
import { looseSettings, overLimit, summarise, unpinned } from './policy.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file) => readFileSync(path.join(ROOT, file), 'utf8');

const rows = summarise(publishedPackages(ROOT));
console.table(
  Object.fromEntries(
    rows.map(({ name, direct, all, withInstallScript, licences }) => [
      name,
      { direct, all, 'install scripts': withInstallScript.length, licences: licences.join(', ') },
    ]),
  ),
);

const problems = [
  ...overLimit(rows, JSON.parse(read('scripts/supply-chain/limits.json'))),
  ...unpinned(read('pnpm-lock.yaml')),
  ...looseSettings(read('pnpm-workspace.yaml'), read('scripts/setup.js')),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log('within the limits, all from the registry and with checksums');
