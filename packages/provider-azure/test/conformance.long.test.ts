import { describeConformance } from '@keywrap/testkit';
import { azureHarness, KINDS } from './harness.js';

for (const kind of KINDS.slice(1)) {
  const harness = azureHarness(`AzureKeyWrapProvider with a ${kind}`, kind === 'managed HSM');
  await describeConformance(harness, undefined, { profile: 'quick' });
}
