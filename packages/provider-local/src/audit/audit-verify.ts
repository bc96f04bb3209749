import { createReadStream } from 'node:fs';
import path from 'node:path';
import { wipe } from '@keywrap/core';
import { errorCode, explainFileError } from '../store/errors.js';
import { AuditChain, macOf } from './audit-chain.js';
import { type AuditLogOptions, CLOSED, listLogs, OPENED, type OpeningLine } from './audit-log.js';
import { parseAuditOptions } from './parse-audit-options.js';

/** More characters than any line of an audit log. */
const MAXIMUM_LINE = 1024 * 1024;

/** The result of checking one audit log. */
export interface AuditLogReport {
  /** The name of its file. */
  readonly log: string;
  /** The number of genuine lines, from the first. */
  readonly lines: number;
  /**
   * True if it ends as a closed log does. Otherwise it is still being written, its process was killed, or
   * lines at its end were removed.
   */
  readonly closed: boolean;
  /**
   * The newest generation of the store in its genuine lines. A store of an older generation was replaced by
   * an old copy.
   */
  readonly generation: number | undefined;
  /** The problem, if any: a line was changed or removed, or the whole log was. */
  readonly problem: string | undefined;
}

/** One log, and the references to it in later logs. */
interface Checked {
  lines: number;
  closed: boolean;
  generation: number | undefined;
  problem: string | undefined;
  readonly macs: Set<string>;
  before: OpeningLine['before'];
}

/** The fields of a genuine line that are checked. */
type ReadLine = Readonly<Partial<Record<'operation' | 'before' | 'generation', unknown>>>;

/**
 * Checks all logs in a folder, each by itself and against later ones.
 *
 * @throws {@link InvalidInputError} for a key that is not 32 bytes, and a typed error for a folder that can't
 * be read; a missing folder has no logs.
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
        if (!seen.macs.has(mac))
          seen.problem ??= `was truncated: ${later} refers to a line that is missing`;
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

/** Splits lines. node:readline also splits at U+2028 and U+2029, which JSON may contain. */
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
