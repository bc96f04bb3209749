import { describeConformance } from '@keywrap/testkit';
import { azureHarness } from './harness.js';
import { KINDS } from './server.js';

for (const kind of KINDS.slice(1)) {
  const harness = azureHarness(`AzureKeyWrapProvider with a ${kind}`, kind);
  await describeConformance(harness, undefined, { profile: 'quick' });
}
