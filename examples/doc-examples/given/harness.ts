// Represents the harness that a reader of the documentation writes.
import type { ConformanceHarness } from '@keywrap/testkit';

export declare const harness: ConformanceHarness;
