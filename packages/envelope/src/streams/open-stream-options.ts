import { readCount, readFields } from '@keywrap/core';
import { OPEN_FIELDS, type Opening, type OpenOptions, readOpening } from '../open-options.js';

/** What to accept of a message that comes as a stream, and when to release its plaintext. */
export interface OpenStreamOptions extends OpenOptions {
  /**
   * Releases nothing before all of the message is authenticated and its signature verified. The number is the
   * length that may be held in memory, in bytes; a longer message is rejected. By default each frame is released
   * once it is authentic.
   */
  readonly holdBack?: number | undefined;
}

/** The checked options. */
export interface OpeningStream extends Opening {
  readonly holdBack: number | undefined;
}

/** @throws InvalidInputError */
export function readOpenStreamOptions(provider: unknown, options: unknown): OpeningStream {
  const { holdBack, ...fields } = readFields(options, 'options', [...OPEN_FIELDS, 'holdBack']);
  return {
    ...readOpening(provider, fields),
    holdBack: holdBack === undefined ? undefined : readCount(holdBack, 'holdBack', 2 ** 53 - 1),
  };
}
