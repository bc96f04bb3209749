import { startKmsServer } from '@keywrap/kms-server';
import { describeConformance } from '@keywrap/testkit';
import { harnessOf, RUNNER } from './harness.js';

// `npm run conformance:matrix` runs the rest.
await describeConformance(
  harnessOf('KmsKeyWrapProvider over HTTP', (now) => startKmsServer({ port: 0, now })),
  RUNNER,
  { profile: 'quick' },
);
