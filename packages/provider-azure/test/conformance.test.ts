import { describeConformance } from '@keywrap/testkit';
import { azureHarness } from './harness.js';
import { KINDS } from './server.js';

// `npm run conformance:matrix` runs the rest.
for (const kind of KINDS.slice(0, 1)) {
  const harness = azureHarness(`AzureKeyWrapProvider with a ${kind}`, kind);
  await describeConformance(harness, undefined, { profile: 'quick' });
}
