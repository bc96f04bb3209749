import { describeConformance } from '@keywrap/testkit';
import { azureHarness } from './harness.js';

await describeConformance(azureHarness('AzureKeyWrapProvider with a managed HSM', true));
await describeConformance(azureHarness('AzureKeyWrapProvider with a key vault', false));
