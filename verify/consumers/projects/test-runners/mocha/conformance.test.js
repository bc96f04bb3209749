import { describeConformance } from '@keywrap/testkit';
import { harness, options } from '../harness.js';

await describeConformance(harness, globalThis, options);
