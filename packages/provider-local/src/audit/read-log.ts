import type { FileHandle } from 'node:fs/promises';
import { type AuditChain, type ChainedLine, encodedMac } from './audit-chain.js';
import { linesOf } from './log-files.js';

/** The operation of the first line, and of the last. */
export const OPENED = 'audit.open';
export const CLOSED = 'audit.close';

/** A log, and the encoded MAC of one of its lines. */
export type LogEnd = readonly [log: string, mac: string];

/** The first line of a log, about the logs before it. */
export interface OpeningLine extends ChainedLine {
  readonly operation: typeof OPENED;
  readonly store: string | undefined;
  /** The previous logs and the MAC at the end of each, so that their loss is detected. */
  readonly before: readonly LogEnd[];
}

/** What a log says, as far as its lines are genuine. */
export interface LogContent {
  lines: number;
  closed: boolean;
  generation: number | undefined;
  problem: string | undefined;
  /** The number of each line, from 1, by its encoded MAC. */
  readonly numbers: Map<string, number>;
  before: OpeningLine['before'];
}

/** The fields of a genuine line that are checked. */
type ReadLine = Readonly<Partial<Record<'operation' | 'before' | 'generation', unknown>>>;

/** Reads a log up to the first line that is not genuine. */
export async function readLog(handle: FileHandle, chain: AuditChain): Promise<LogContent> {
  const content = emptyLog(undefined);
  for await (const text of linesOf(handle)) {
    const line = chain.read(text) as ReadLine | undefined;
    if (line === undefined || content.closed) {
      content.problem =
        content.lines === 0
          ? 'was changed at line 1, or lines before it were removed, or it is of another store or key'
          : `was changed at line ${content.lines + 1}, or one before it was removed`;
      break;
    }
    if (line.operation === OPENED) {
      if (isListOfEnds(line.before)) content.before = line.before;
      else content.problem = 'begins with a line that this release of keywrap does not write';
    }
    content.closed = line.operation === CLOSED;
    if (typeof line.generation === 'number') {
      content.generation = Math.max(line.generation, content.generation ?? 0);
    }
    content.lines += 1;
    content.numbers.set(encodedMac(text) as string, content.lines);
  }
  return content;
}

/** Makes the content of a log without lines. */
export function emptyLog(problem: string | undefined): LogContent {
  return {
    lines: 0,
    closed: false,
    generation: undefined,
    problem,
    numbers: new Map(),
    before: [],
  };
}

/** Enough for the last two lines of most logs. */
const TAIL_LENGTH = 64 * 1024;

/**
 * Returns the encoded MAC of the last genuine line of a log; undefined if none is.
 *
 * @param chainOf Makes the chain of this log.
 */
export async function lastMac(
  handle: FileHandle,
  chainOf: () => AuditChain,
): Promise<string | undefined> {
  const { size } = await handle.stat();
  const tail = Buffer.alloc(Math.min(size, TAIL_LENGTH));
  await handle.read(tail, 0, tail.length, size - tail.length);
  // The text after the last line break is a line that its process is writing.
  const [last, previous] = tail.toString('utf8').split('\n').slice(0, -1).reverse();
  const isFirst = previous === undefined && size === tail.length;
  const isKnown = last !== undefined && (previous !== undefined || isFirst);
  if (isKnown && chainOf().follows(last, previous)) return encodedMac(last);
  // Someone added to its end, or cut it: it is remembered as far as it is genuine.
  const { numbers } = await readLog(handle, chainOf());
  return [...numbers.keys()].at(-1);
}

function isListOfEnds(value: unknown): value is OpeningLine['before'] {
  const isText = (part: unknown) => typeof part === 'string';
  return (
    Array.isArray(value) &&
    value.every((end) => Array.isArray(end) && end.length === 2 && end.every(isText))
  );
}
