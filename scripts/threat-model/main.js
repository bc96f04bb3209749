// Checks that every test and case that docs/threat-model.md refers to exists.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { conformanceCases } from '@keywrap/testkit';
import { checkReferences } from './references.js';

const DOCS = path.resolve(import.meta.dirname, '../../docs');

const { count, problems } = checkReferences(
  readFileSync(path.join(DOCS, 'threat-model.md'), 'utf8'),
  {
    read: (file) => {
      const full = path.join(DOCS, file);
      return existsSync(full) ? readFileSync(full, 'utf8') : undefined;
    },
    cases: conformanceCases.map(({ id }) => id),
  },
);
for (const problem of problems) console.error(`docs/threat-model.md: ${problem}`);
if (problems.length > 0) process.exitCode = 1;
else console.log(`${count} references of the threat model are tests that exist`);
