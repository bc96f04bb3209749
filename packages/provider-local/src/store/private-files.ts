import fs from 'node:fs';
import { AccessDeniedError } from '@keywrap/core';

/** Windows has no POSIX modes, and no way to sync a folder; NTFS journals its folders itself. */
const IS_POSIX = process.platform !== 'win32';

/**
 * Checks that a file or folder belongs to this user, and that no one else, except members of a trusted
 * group, may read or change it.
 *
 * @param trustedGroup The id of a group, such as Kubernetes' `fsGroup`.
 * @throws {@link AccessDeniedError}
 */
export function assertPrivate(
  file: string,
  { mode, uid, gid }: fs.Stats,
  trustedGroup: number | undefined,
): void {
  if (!IS_POSIX) return;
  const isTrusted = trustedGroup !== undefined && gid === trustedGroup;
  if ((mode & (isTrusted ? 0o007 : 0o077)) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new AccessDeniedError(
      `${file} can be read or changed by others (mode ${octal}, group ${gid}); make it private with chmod go= ${file}, or trust the group (trustedGroup, --trusted-group), and find out who has read it`,
    );
  }
  const own = process.geteuid?.();
  if (uid !== own && !isTrusted) {
    throw new AccessDeniedError(
      `${file} belongs to the user with id ${uid} and not to this process (${own}); run as its owner`,
    );
  }
}

/** Syncs the content of a file to the disk. */
export function syncFile(file: string): void {
  sync(file, 'r+');
}

/** Syncs the names in a folder to the disk (fsync(2), NOTES). */
export function syncFolder(folder: string): void {
  if (IS_POSIX) sync(folder, 'r');
}

function sync(path: string, flags: string): void {
  const descriptor = fs.openSync(path, flags);
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
