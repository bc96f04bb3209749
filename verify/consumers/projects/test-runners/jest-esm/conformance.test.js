import * as runner from '@jest/globals';
import { describeConformance } from '@keywrap/testkit';
import { harness, options } from '../harness.js';

await describeConformance(harness, runner, options);
