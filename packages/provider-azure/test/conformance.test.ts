import { describeConformance } from '@keywrap/testkit';
import { azureHarness } from './harness.js';

// `npm run conformance:matrix` runs the rest.
await describeConformance(
  azureHarness('AzureKeyWrapProvider with a managed HSM', true),
  undefined,
  {
    profile: 'quick',
  },
);
