import { describeConformance } from '@keywrap/testkit';
import { azureHarness } from './harness.js';

const harness = azureHarness('AzureKeyWrapProvider with a key vault', false);
await describeConformance(harness, undefined, { profile: 'quick' });
