import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { InvalidInputError, UnsupportedOperationError } from '@keywrap/core';
import { DamagedStoreError, explainFileError } from '../errors.js';
import { assertPrivate, syncFile, syncFolder } from '../private-files.js';

// While SQLite has a file open, this process must not open it, only stat it: closing any descriptor of the
// file drops the locks that SQLite holds on it (sqlite.org/howtocorrupt.html, 2.2).

/**
 * The `f_type` (statfs(2)) of network file systems: WAL needs shared memory, which hosts do not share
 * (sqlite.org/wal.html).
 */
const NETWORK_FILE_SYSTEMS = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
]);

/** Returns the identity of the file that a path names; undefined if it does not exist. */
export function identityOf(file: string): string | undefined {
  const stats = fs.lstatSync(file, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}

/** The identity of the files beside it that those who have it open share. */
export function identityOfWal(file: string): string {
  return `${identityOf(`${file}-wal`)} ${identityOf(`${file}-shm`)}`;
}

/** Tells whether this process may write to a file or into a folder. */
export function isWritable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the state of a file that is read without its WAL, to detect changes; undefined if the WAL is not
 * empty.
 */
export function stateWithoutWal(file: string): string | undefined {
  if ((fs.statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return undefined;
  const stats = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  return stats && `${stats.size}:${stats.mtimeNs}`;
}

/**
 * Checks that a file can hold a store: a regular file on a local file system, private to this user and
 * `trustedGroup`.
 *
 * @returns False if it does not exist.
 */
export function assertStoreFile(file: string, trustedGroup: number | undefined): boolean {
  try {
    return isStoreFile(file, trustedGroup);
  } catch (error) {
    throw explainFileError(error, `open ${file}`);
  }
}

function isStoreFile(file: string, trustedGroup: number | undefined): boolean {
  const stats = fs.lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return false;
  if (stats.isDirectory()) throw isAFolder(file);
  assertFile(file, stats);
  if (stats.size === 0) {
    throw new DamagedStoreError(file, 'is empty and not a key store', {
      advice: 'check the path; remove the file to create a store there',
    });
  }
  assertPrivate(file, stats, trustedGroup);
  for (const beside of [`${file}-wal`, `${file}-shm`]) {
    const found = fs.lstatSync(beside, { throwIfNoEntry: false });
    if (found === undefined) continue;
    assertFile(beside, found);
    // Whoever makes them has them belong to a group of its own, unless the folder hands down the trusted one.
    assertPrivate(beside, found, trustedGroup === undefined ? undefined : found.gid);
  }
  const network = NETWORK_FILE_SYSTEMS.get(fs.statfsSync(file).type);
  if (network !== undefined) {
    throw new UnsupportedOperationError(
      `${file} is on a network file system (${network}), where locks do not hold: use a local disk, or PostgreSQL`,
    );
  }
  return true;
}

function assertFile(file: string, stats: fs.Stats): void {
  if (stats.isFile()) return;
  throw new DamagedStoreError(file, 'is a link or a device and not a file', {
    advice: 'name the file itself',
  });
}

/** Tells whether a path names a store of the first format, which was a folder. */
export function isFirstFormat(folder: string): boolean {
  const isFolder = fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isFolder && fs.readdirSync(folder).some((name) => /^manifest-\d{12}$/.test(name));
}

function isAFolder(file: string): InvalidInputError {
  return new InvalidInputError(
    'location',
    isFirstFormat(file)
      ? `${file} is a folder that an earlier release kept keys in; import it with: keywrap-store import ${file}`
      : `${file} is a folder; name a file`,
  );
}

/**
 * Creates a file that appears once it is complete and on the disk, or not at all.
 *
 * @param fill Writes and closes an empty, private file in the same folder.
 * @returns False if a file with this name has appeared meanwhile; that one stays.
 */
export async function createFile(
  file: string,
  trustedGroup: number | undefined,
  fill: (unfinished: string) => Promise<void>,
): Promise<boolean> {
  const folder = path.dirname(file);
  for (const suffix of ['-wal', '-journal']) {
    // SQLite would apply it to the new database (sqlite.org/howtocorrupt.html, 1.4).
    if (!fs.existsSync(file + suffix)) continue;
    // It belongs to a store that another process has just created, and uses.
    if (fs.existsSync(file)) return false;
    throw new InvalidInputError(
      'location',
      `${file}${suffix} is left from another database, or in use; move it away, or name a new file`,
    );
  }
  const unfinished = `${file}.${randomBytes(8).toString('hex')}.new`;
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    fs.closeSync(fs.openSync(unfinished, 'wx', 0o600));
    try {
      await fill(unfinished);
      if (trustedGroup !== undefined) fs.chownSync(unfinished, -1, trustedGroup);
      fs.chmodSync(unfinished, trustedGroup === undefined ? 0o600 : 0o660);
      syncFile(unfinished);
      const isNew = link(unfinished, file);
      syncFolder(folder);
      return isNew;
    } finally {
      for (const suffix of ['', '-wal', '-shm', '-journal']) {
        fs.rmSync(unfinished + suffix, { force: true });
      }
    }
  } catch (error) {
    throw explainFileError(error, `create ${file}`);
  }
}

/** @returns False if the name is taken. */
function link(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
