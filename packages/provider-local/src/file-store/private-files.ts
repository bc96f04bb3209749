import { constants, type Stats } from 'node:fs';
import fs from 'node:fs/promises';
import { AccessDeniedError } from '@keywrap/core';
import { DamagedStoreError } from './errors.js';
import type { FileIdentity } from './sealed-file.js';

// Files that only their owner may read, written so that they are whole or not there at all.
//
// Why not a library: of those that write atomically (write-file-atomic 8, atomically 2), none syncs the
// folder, without which a rename that was reported done may be undone by a power failure; and what they
// replace a file with wins over whatever another process wrote meanwhile, where a key store must notice.

/** Longest file that is read, in bytes: 64 MiB, so that a foreign file can't exhaust the memory. */
const MAXIMUM_LENGTH = 64 * 1024 * 1024;

/** Windows has no POSIX modes, and no way to sync a folder; NTFS journals its folders itself. */
const IS_POSIX = process.platform !== 'win32';

/**
 * Makes a new file, readable and writable for its owner only (0600). When the promise resolves, its
 * content is on the disk; its name is once {@link syncFolder} was called too. When it rejects, no file
 * is left.
 */
export async function writeNewFile(path: string, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, 'wx', 0o600);
  try {
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await removeFile(path).catch(() => {});
    throw error;
  }
}

/**
 * Reads a file that only its owner may read.
 *
 * @throws {@link AccessDeniedError} when others may read or change it, {@link DamagedStoreError} when
 * it is something else than a file, and the file system's own errors.
 */
export async function readPrivateFile({ path, keyId }: FileIdentity): Promise<Uint8Array> {
  const damaged = (problem: string) => new DamagedStoreError(path, problem, { keyId });
  // O_NOFOLLOW: a link could point at somebody else's file. O_NONBLOCK: opening a pipe must not wait.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const file = await fs.open(path, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ELOOP') throw error;
    throw damaged('is a symbolic link and not a file of the store');
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw damaged('is not a regular file');
    assertPrivate(path, stats);
    if (stats.size > MAXIMUM_LENGTH) {
      throw damaged(`is longer than any file of a store: ${MAXIMUM_LENGTH} bytes`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/**
 * Makes a folder that only its owner may enter (0700), and its parents; it may exist.
 *
 * @returns The first of the folders that it made, or `undefined` when all were there.
 */
export async function makePrivateFolder(path: string): Promise<string | undefined> {
  return fs.mkdir(path, { recursive: true, mode: 0o700 });
}

/** @throws {@link AccessDeniedError} when others than the owner, who is this user, may get at it. */
export function assertPrivate(path: string, { mode, uid }: Stats): void {
  if (!IS_POSIX) return;
  if ((mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new AccessDeniedError(
      `${path} can be read or changed by others (mode ${octal}); make it private with chmod go= and find out who has read it`,
    );
  }
  if (uid !== process.geteuid?.()) {
    throw new AccessDeniedError(
      `${path} belongs to the user with id ${uid} and not to this process (${process.geteuid?.()}); run as its owner`,
    );
  }
}

/** Has the names in a folder written to the disk, as fsync(2) says under NOTES. */
export async function syncFolder(path: string): Promise<void> {
  if (!IS_POSIX) return;
  const folder = await fs.open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Removes a file; it may be gone already. */
export async function removeFile(path: string): Promise<void> {
  await fs.rm(path, { force: true });
}
