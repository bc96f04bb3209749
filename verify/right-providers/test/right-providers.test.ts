import { describeConformance } from '@keywrap/testkit';
import { rightProviders } from '#dist/index.js';

// The shapes that differ most. `npm run test:right` runs all of them, slow ones too, and every case.
const MOST_DIFFERENT = /another realm|RSA keys alone|one hash|canonical text|lower limits/;

for (const harness of rightProviders) {
  if (MOST_DIFFERENT.test(harness.name)) {
    await describeConformance(harness, globalThis, { profile: 'quick' });
  }
}
