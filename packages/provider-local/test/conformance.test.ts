import { describeConformance } from '@keywrap/testkit';
import { harnessOf } from './harness.js';

// `npm run conformance:matrix` runs the rest, and the forge engine.
await describeConformance(harnessOf('node'), globalThis, { profile: 'quick' });
