import { describeConformance } from '@keywrap/testkit';
import { harnessOf } from './harness.js';
import { ENGINES } from './support.js';

// `npm run conformance:matrix` runs the rest.
for (const engine of ENGINES) {
  await describeConformance(harnessOf(engine), globalThis, { profile: 'quick' });
}
