import { createReadStream } from 'node:fs';
import path from 'node:path';
import { wipe } from '@keywrap/core';
import { errorCode, explainFileError } from '../store/errors.js';
import { AuditChain, macOf } from './audit-chain.js';
import { type AuditLogOptions, CLOSED, listLogs, OPENED, type OpeningLine } from './audit-log.js';
import { parseAuditOptions } from './parse-audit-options.js';

/** No line is as long, in characters; what is was not written by an audit log. */
const MAXIMUM_LINE = 1024 * 1024;

/** What was found of one audit log. */
export interface AuditLogReport {
  /** The name of its file. */
  readonly log: string;
  /** How many lines are genuine, from the first. */
  readonly lines: number;
  /**
   * Whether it ends as a log does that was closed. One that does not is still being written, or its
   * process was killed, or lines were cut off its end.
   */
  readonly closed: boolean;
  /**
   * The newest generation of the store that its genuine lines have seen. A store of an older one was set
   * back.
   */
  readonly generation: number | undefined;
  /** What is wrong with it: a line that was changed or removed, or the whole log. */
  readonly problem: string | undefined;
}

/** One log, and what others must have seen of it. */
interface Checked {
  lines: number;
  closed: boolean;
  generation: number | undefined;
  problem: string | undefined;
  readonly macs: Set<string>;
  before: OpeningLine['before'];
}

/** What is looked at in a line, which is genuine. */
type ReadLine = Readonly<Partial<Record<'operation' | 'before' | 'generation', unknown>>>;

/**
 * Checks all logs in a folder, each by itself and against those that began later.
 *
 * @throws {@link InvalidInputError} for another key than 32 bytes, and what the file system makes of a
 * folder that can't be read; a folder that is missing has no logs.
 */
export async function verifyAuditLogs(
  options: Pick<AuditLogOptions, 'folder' | 'key' | 'storeId'>,
): Promise<readonly AuditLogReport[]> {
  const { folder, storeId, key } = parseAuditOptions(options);
  try {
    const checked = new Map<string, Checked>();
    for (const log of await namesIn(folder)) {
      checked.set(log, await checkLog(folder, log, new AuditChain(key, storeId, log)));
    }
    for (const [later, { before }] of [...checked]) {
      for (const [log, mac] of before) {
        const seen = checked.get(log) ?? nothing('is missing');
        checked.set(log, seen);
        if (!seen.macs.has(mac)) seen.problem ??= `was cut: ${later} has seen more of it`;
      }
    }
    return [...checked]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([log, { macs: _, before: __, ...report }]) => ({ log, ...report }));
  } catch (error) {
    throw explainFileError(error, `read the audit logs in ${folder}`);
  } finally {
    wipe(key);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return listLogs(folder).catch((error) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
}

async function checkLog(folder: string, log: string, chain: AuditChain): Promise<Checked> {
  const checked = nothing(undefined);
  for await (const text of linesOf(path.join(folder, log))) {
    const line = chain.read(text) as ReadLine | undefined;
    if (line === undefined || checked.closed) {
      checked.problem = `was changed at line ${checked.lines + 1}, or one before it was removed`;
      break;
    }
    if (line.operation === OPENED) {
      if (isListOfEnds(line.before)) checked.before = line.before;
      else checked.problem = 'begins with a line that this release of keywrap does not write';
    }
    checked.closed = line.operation === CLOSED;
    if (typeof line.generation === 'number') {
      checked.generation = Math.max(line.generation, checked.generation ?? 0);
    }
    checked.macs.add(macOf(text) as string);
    checked.lines += 1;
  }
  return checked;
}

function isListOfEnds(value: unknown): value is OpeningLine['before'] {
  const isText = (part: unknown) => typeof part === 'string';
  return (
    Array.isArray(value) &&
    value.every((end) => Array.isArray(end) && end.length === 2 && end.every(isText))
  );
}

/** Not node:readline, which also ends lines where JSON has none: at U+2028 and U+2029. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, 'utf8')) {
    if (rest.length > MAXIMUM_LINE) break;
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() as string;
    yield* lines;
  }
  if (rest !== '') yield `${rest} (no line break)`;
}

function nothing(problem: string | undefined): Checked {
  return { lines: 0, closed: false, generation: undefined, problem, macs: new Set(), before: [] };
}
