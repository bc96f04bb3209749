import { describeConformance } from '@keywrap/testkit';
import { azureHarness, KINDS } from './harness.js';

// `npm run conformance:matrix` runs the rest.
for (const kind of KINDS.slice(0, 1)) {
  const harness = azureHarness(`AzureKeyWrapProvider with a ${kind}`, kind === 'managed HSM');
  await describeConformance(harness, undefined, { profile: 'quick' });
}
