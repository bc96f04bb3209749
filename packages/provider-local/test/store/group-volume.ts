import { chmodSync, chownSync, lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';

const isRoot = process.geteuid?.() === 0;

/** Kubernetes' `fsGroup`: not this process's own group where the tests may choose. */
export const FS_GROUP = isRoot ? 2000 : (process.getegid?.() ?? 0);

/**
 * Does to a folder what Kubernetes does to a volume at each mount: everything belongs to the group, whose members may
 * read and write it (kubernetes/kubernetes, pkg/volume/volume_linux.go). As root, it also changes the owner, as if a pod
 * with another user had written the files.
 */
export function mountForGroup(folder: string): void {
  const owner = isRoot ? 1000 : (process.geteuid?.() ?? 0);
  for (const entry of ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
    const file = path.join(folder, entry);
    const stats = lstatSync(file);
    chownSync(file, owner, FS_GROUP);
    chmodSync(file, (stats.mode & 0o7777) | (stats.isDirectory() ? 0o2770 : 0o660));
  }
}
