import { describeConformance } from '@keywrap/testkit';
import { harness } from './harness.js';

await describeConformance(harness);
