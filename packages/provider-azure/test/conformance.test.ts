import { describeConformance } from '@keywrap/testkit';
import { azureHarness } from './harness.js';

// `npm run conformance:matrix` runs the rest.
for (const [name, managedHsm] of [
  ['AzureKeyWrapProvider with a managed HSM', true],
  ['AzureKeyWrapProvider with a key vault', false],
] as const) {
  await describeConformance(azureHarness(name, managedHsm), undefined, { profile: 'quick' });
}
