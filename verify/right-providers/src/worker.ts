import { parentPort } from 'node:worker_threads';
import { type InvalidInputError, type KeyWrapError, NO_OPTIONS } from '@keywrap/core';
import { EVERYTHING } from './capabilities.js';
import { keyAndVersion } from './headers.js';
import { ShapedDriver } from './shaped-driver.js';

/** A call to the other thread. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly input: readonly unknown[];
}

/** What came of it. */
export interface Answer {
  readonly id: number;
  readonly output?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly field?: string };
}

const driver = new ShapedDriver({ capabilities: EVERYTHING, header: keyAndVersion() });
const members = { ...driver.harnessKeys } as Record<string, (...input: unknown[]) => unknown>;

parentPort?.on('message', async ({ id, name, input }: Question) => {
  try {
    const own = Reflect.get(driver, name) as ((...input: unknown[]) => unknown) | undefined;
    const output = own?.call(driver, ...input, NO_OPTIONS) ?? (await members[name]?.(...input));
    parentPort?.postMessage({ id, output: name === 'alias' ? undefined : output } satisfies Answer);
  } catch (thrown) {
    const { code, message, field } = thrown as KeyWrapError & Partial<InvalidInputError>;
    const error = { code, message, ...(field !== undefined && { field }) };
    parentPort?.postMessage({ id, error } satisfies Answer);
  }
});
