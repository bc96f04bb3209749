import { ProviderUnavailableError } from '@keywrap/core';
import type { SqliteHandle } from './sqlite-binding.js';
import { isBusy, isFull } from './sqlite-errors.js';

/**
 * How changes are made. `wal`: concurrently with other processes. `delete`: in a file that no one else
 * uses, which is complete after each change. `read-only`: not at all.
 */
export type Journal = 'wal' | 'delete' | 'read-only';

/**
 * Sets how commits reach the disk, and syncs the WAL.
 *
 * @param isUnsettled True if it is unknown whether an earlier change was made.
 */
export function prepareToWrite(
  handle: SqliteHandle,
  path: string,
  journal: Journal,
  isUnsettled: boolean,
): void {
  const { journal_mode } = handle.prepare(`pragma journal_mode = ${journal}`).get() ?? {};
  handle.exec('pragma synchronous = full');
  const { synchronous } = handle.prepare('pragma synchronous').get() ?? {};
  if (journal_mode !== journal || synchronous !== 2) {
    throw new ProviderUnavailableError(
      `${path}: SQLite does not keep a journal that is synced (journal_mode ${journal_mode}, synchronous ${synchronous})`,
    );
  }
  if (process.platform === 'darwin') {
    handle.exec('pragma fullfsync = on; pragma checkpoint_fullfsync = on');
  }
  if (isUnsettled) settle(handle);
  try {
    handle.exec('pragma wal_checkpoint(full)');
  } catch (error) {
    // Others use the WAL, or the disk is full; all that they read from it was synced.
    if (!isFull(error) && !isBusy(error)) throw error;
  }
}

/**
 * Finds out whether a change whose sync failed was made. SQLite may show it or not, depending on who
 * else has the file open, and the opposite after a crash; the next change that reaches the disk takes
 * its place in the WAL. Throws SQLite's error if it is still unknown.
 */
function settle(handle: SqliteHandle): void {
  try {
    // This writes the first page even if the number is the same.
    handle.exec('begin immediate; pragma user_version = 0; commit');
  } catch (error) {
    if (handle.isTransaction) handle.exec('rollback');
    throw error;
  }
}
