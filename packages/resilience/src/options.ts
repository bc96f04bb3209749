import { InvalidInputError } from '@keywrap/core';

// The longest delay that timers take; a longer one would fire at once.
const MAXIMUM_DELAY = 2 ** 31 - 1;

/** @throws {@link InvalidInputError} for anything but a number of milliseconds that timers take. */
export function readDelay(value: unknown, field: string): number {
  return readCount(value, field, MAXIMUM_DELAY);
}

/** @throws {@link InvalidInputError} for anything but an integer from 1 to the maximum. */
export function readCount(value: unknown, field: string, maximum: number): number {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= maximum) {
    return Number(value);
  }
  throw new InvalidInputError(field, `must be an integer from 1 to ${maximum}`);
}
