import path from 'node:path';
import { AccessDeniedError, wipe } from '@keywrap/core';
import { errorCode, explainFileError } from '../store/errors.js';
import { AuditChain } from './audit-chain.js';
import type { AuditLogOptions } from './audit-log.js';
import type { AuditCheckpoint } from './checkpoints.js';
import { listLogs, readOwnFile } from './log-files.js';
import { parseVerifyOptions } from './parse-audit-options.js';
import { emptyLog, type LogContent, readLog } from './read-log.js';

/** The logs to verify, and what they are compared with. */
export interface VerifyAuditLogsOptions
  extends Pick<AuditLogOptions, 'folder' | 'key' | 'storeId' | 'trustedGroup'> {
  /** Ends of logs that were sent elsewhere as they were written; see `AuditLogOptions.checkpoint`. */
  readonly checkpoints?: readonly AuditCheckpoint[] | undefined;
}

/** The result of checking one audit log. */
export interface AuditLogReport {
  /** The name of its file. */
  readonly log: string;
  /** The number of genuine lines, from the first. */
  readonly lines: number;
  /**
   * How many of them could not be removed from the end without a trace: all of a closed log, otherwise those that
   * a later log or a checkpoint has seen. Whether there were lines after them can't be found out.
   */
  readonly witnessed: number;
  /**
   * True if it ends as a closed log does. Otherwise it is still being written, its process was killed, or
   * lines at its end were removed.
   */
  readonly closed: boolean;
  /**
   * The newest generation of the store in its genuine lines and checkpoints. A store of an older generation was
   * replaced by an old copy.
   */
  readonly generation: number | undefined;
  /** The problem, if any: a line was changed or removed, or the whole log was. */
  readonly problem: string | undefined;
}

/** A log, and how many of its lines others have seen. */
interface Checked extends LogContent {
  witnessed: number;
}

/**
 * Checks all logs in a folder: each by itself, against later ones and against checkpoints.
 *
 * @throws {@link InvalidInputError} for a key that is not 32 bytes, and a typed error for a folder that can't
 * be read; a missing folder has no logs.
 */
export async function verifyAuditLogs(
  options: VerifyAuditLogsOptions,
): Promise<readonly AuditLogReport[]> {
  const { folder, storeId, key, trustedGroup, checkpoints = [] } = parseVerifyOptions(options);
  try {
    const checked = new Map<string, Checked>();
    const logs = await listLogs(folder).catch((error) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    });
    for (const log of logs) {
      const chain = new AuditChain(key, storeId, log);
      const content = await checkLog(path.join(folder, log), chain, trustedGroup);
      checked.set(log, { ...content, witnessed: content.closed ? content.lines : 0 });
    }
    for (const [later, { before }] of [...checked]) {
      for (const [log, mac] of before) witness(checked, log, mac, later);
    }
    for (const { log, mac, lines, generation } of checkpoints) {
      const seen = witness(checked, log, mac, `a checkpoint after line ${lines}`);
      if (generation !== undefined) seen.generation = Math.max(generation, seen.generation ?? 0);
    }
    return [...checked]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([log, { numbers: _, before: __, ...report }]) => ({ log, ...report }));
  } catch (error) {
    throw explainFileError(error, `read the audit logs in ${folder}`);
  } finally {
    wipe(key);
  }
}

/** Notes that a line of a log was seen: it must be there. */
function witness(
  checked: Map<string, Checked>,
  log: string,
  mac: string,
  witnessedBy: string,
): Checked {
  const seen = checked.get(log) ?? { ...emptyLog('is missing'), witnessed: 0 };
  checked.set(log, seen);
  const number = seen.numbers.get(mac);
  if (number !== undefined) seen.witnessed = Math.max(number, seen.witnessed);
  else seen.problem ??= `was truncated: ${witnessedBy} refers to a line that is missing`;
  return seen;
}

async function checkLog(
  file: string,
  chain: AuditChain,
  trustedGroup: number | undefined,
): Promise<LogContent> {
  try {
    return await readOwnFile(file, trustedGroup, (handle) => readLog(handle, chain));
  } catch (error) {
    if (!(error instanceof AccessDeniedError)) throw error;
    return emptyLog(`was not read: ${error.message}`);
  } finally {
    chain.destroy();
  }
}
