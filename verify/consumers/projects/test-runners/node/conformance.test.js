import * as runner from 'node:test';
import { describeConformance } from '@keywrap/testkit';
import { harness, options } from '../harness.js';

await describeConformance(harness, runner, options);
