import { describeConformance } from '@keywrap/testkit';
import * as runner from 'vitest';
import { harness, options } from '../harness.js';

await describeConformance(harness, runner, options);
