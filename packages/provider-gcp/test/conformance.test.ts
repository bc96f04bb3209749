import { describeConformance } from '@keywrap/testkit';
import { gcpHarness } from './harness.js';

// `npm run conformance:matrix` runs the rest.
await describeConformance(gcpHarness('GcpKeyWrapProvider', 'SOFTWARE'), undefined, {
  profile: 'quick',
});
