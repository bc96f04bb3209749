import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A small separate file system. */
export interface SmallDisk {
  /** A folder on it. */
  readonly folder: string;
  /** Leaves this number of bytes free: room for some changes, and not for others. */
  fill(free: number): void;
  /** Call it while no one has a file open for writing. */
  makeReadOnly(): void;
}

/**
 * Works on a small file system, and removes it.
 *
 * @returns Whether there can be one here: that takes Linux and root.
 */
export async function withSmallDisk(work: (disk: SmallDisk) => Promise<void>): Promise<boolean> {
  const mountPoint = mkdtempSync(path.join(tmpdir(), 'keywrap-disk-'));
  const mount = (...args: string[]) => spawnSync('mount', [...args, mountPoint]).status === 0;
  if (!mount('-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs')) {
    rmSync(mountPoint, { recursive: true });
    return false;
  }
  try {
    const folder = path.join(mountPoint, 'keys');
    mkdirSync(folder);
    chmodSync(folder, 0o700);
    await work({
      folder,
      fill(free) {
        const { bavail, bsize } = statfsSync(mountPoint);
        writeFileSync(path.join(mountPoint, 'filling'), new Uint8Array(bavail * bsize - free));
      },
      makeReadOnly() {
        if (!mount('-o', 'remount,ro')) throw new Error(`${mountPoint} can't be made read-only`);
      },
    });
  } finally {
    // Lazily: @photostructure/sqlite keeps a file open until its statements are collected.
    spawnSync('umount', ['-l', mountPoint]);
    rmSync(mountPoint, { recursive: true });
  }
  return true;
}
