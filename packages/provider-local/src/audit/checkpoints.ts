import fs from 'node:fs';
import path from 'node:path';
import { InvalidInputError } from '@keywrap/core';
import { explainFileError } from '../store/errors.js';
import { readOwnFile } from './log-files.js';
import { parseReadOptions } from './parse-audit-options.js';

/** The end of an audit log at some time. Kept elsewhere, it shows that lines after it were there. */
export interface AuditCheckpoint {
  /** The name of the log's file. */
  readonly log: string;
  /** The number of its lines. */
  readonly lines: number;
  /** The MAC of the last of them, in base64url. */
  readonly mac: string;
  /** The newest generation of the store that the process has seen. */
  readonly generation: number | undefined;
  /** Whether the log ends here. */
  readonly closed: boolean;
}

/** Options of {@link readCheckpoints}. */
export interface ReadCheckpointsOptions {
  /** The id of a group that may write the files, as with Kubernetes' `fsGroup`. */
  readonly trustedGroup?: number | undefined;
}

const SUFFIX = '.checkpoint';
/** In bytes: one write to a place of its own, which is not torn. */
const LENGTH = 512;

/**
 * Writes the checkpoints of an audit log to a file in another folder: on another disk, or one that another
 * machine exports. The file has the newest checkpoint alone.
 *
 * @param folder Created if missing. Only its owner may enter it.
 * @returns The option `checkpoint` of `AuditLog.open`. Its calls throw a typed error if the file can't be
 * written.
 *
 * @example
 * ```ts
 * import { AuditLog, readCheckpoints, verifyAuditLogs, writeCheckpoints } from '@keywrap/provider-local/audit';
 *
 * const key = crypto.getRandomValues(new Uint8Array(32));
 * const folder = '/var/log/keywrap';
 * const log = await AuditLog.open({ folder, key, checkpoint: writeCheckpoints('/mnt/other/keywrap') });
 * log.close();
 * await verifyAuditLogs({ folder, key, checkpoints: await readCheckpoints('/mnt/other/keywrap') });
 * ```
 */
export function writeCheckpoints(folder: string): (checkpoint: AuditCheckpoint) => void {
  const files = new Map<string, number>();
  return (checkpoint) => {
    const { log, closed } = checkpoint;
    try {
      const file = files.get(log) ?? create(folder, log);
      files.set(log, file);
      fs.writeSync(file, `${JSON.stringify(checkpoint).padEnd(LENGTH - 1)}\n`, 0);
      if (!closed) return;
      files.delete(log);
      fs.fsyncSync(file);
      fs.closeSync(file);
    } catch (error) {
      throw explainFileError(error, `write a checkpoint of the audit log to ${folder}`);
    }
  };
}

function create(folder: string, log: string): number {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
  return fs.openSync(path.join(folder, `${log}${SUFFIX}`), O_CREAT | O_EXCL | O_WRONLY, 0o600);
}

/**
 * Reads the checkpoints in a folder.
 *
 * @throws `AccessDeniedError` for a file that others may write, {@link InvalidInputError} for one that is not a
 * checkpoint, and a typed error for one that can't be read.
 */
export async function readCheckpoints(
  folder: string,
  options: ReadCheckpointsOptions = {},
): Promise<readonly AuditCheckpoint[]> {
  const { trustedGroup } = parseReadOptions(options);
  try {
    const names = (await fs.promises.readdir(folder)).filter((name) => name.endsWith(SUFFIX));
    return await Promise.all(
      names.sort().map((name) => read(path.join(folder, name), trustedGroup)),
    );
  } catch (error) {
    throw explainFileError(error, `read the checkpoints in ${folder}`);
  }
}

function read(file: string, trustedGroup: number | undefined): Promise<AuditCheckpoint> {
  return readOwnFile(file, trustedGroup, async (handle) => {
    const bytes = Buffer.alloc(LENGTH);
    await handle.read(bytes, 0, LENGTH, 0);
    try {
      return JSON.parse(bytes.toString());
    } catch {
      throw new InvalidInputError('checkpoints', `${file} is not a checkpoint`);
    }
  });
}
