import type { Random } from '../random.js';
import type { Operation } from './operations.js';

type DataOperation = Extract<Operation, { kind: 'write' | 'truncate' }>;
type SyncOperation = Extract<Operation, { kind: 'sync-begin' | 'sync-end' }>;

/** The names that one operation changes together, and the files that they then refer to. */
type NameChange = ReadonlyMap<string, File | undefined>;

/** A file or the folder: the state that is surely on the disk, and the states that may be. */
interface File {
  contents: Buffer;
  readonly unsynced: DataOperation[];
}

/**
 * The effect of a power cut on unsynced writes. `kept`: all survive, as after the death of only the process.
 * `dropped`: none of it. `torn`: any part of it, in any order.
 */
export type PowerCut = 'kept' | 'dropped' | 'torn';

/** The bytes that a disk writes atomically. */
const SECTORS = [512, 4096] as const;

/**
 * A folder of files on a disk, as programs see it, and as it may be after a power cut.
 *
 * The disk promises what POSIX does, and no more (fsync(2), "Notes"): the contents of a file are on it once the file
 * was synced, its name once the folder was. All else may be there in part and in any order, sector by sector.
 */
export class Disk {
  readonly #folder: number;
  /** By inode number, which may be reused after a file is removed. */
  readonly #files = new Map<number, File>();
  readonly #visible = new Map<string, File>();
  readonly #synced = new Map<string, File>();
  readonly #unsynced: NameChange[] = [];
  /** The number of unsynced operations when a process began to sync. */
  readonly #syncing = new Map<string, number>();

  /** @param folder Its inode number. */
  constructor(folder: number) {
    this.#folder = folder;
  }

  apply(operation: Operation): void {
    switch (operation.kind) {
      case 'write':
      case 'truncate':
        this.#files.get(operation.inode)?.unsynced.push(operation);
        return;
      case 'sync-begin':
      case 'sync-end':
        this.#sync(operation);
        return;
      case 'create': {
        const file = { contents: Buffer.alloc(0), unsynced: [] };
        this.#files.set(operation.inode, file);
        this.#rename(new Map([[operation.name, file]]));
        return;
      }
      case 'link':
        this.#rename(new Map([[operation.to, this.#visible.get(operation.name)]]));
        return;
      case 'rename':
        this.#rename(
          new Map([
            [operation.to, this.#visible.get(operation.name)],
            [operation.name, undefined],
          ]),
        );
        return;
      case 'remove':
        this.#rename(new Map([[operation.name, undefined]]));
    }
  }

  /** Returns the contents of a file as programs see it; empty if there is none. */
  read(name: string): Buffer {
    const file = this.#visible.get(name);
    return file === undefined ? Buffer.alloc(0) : contentsAfter(file, () => true);
  }

  /** Returns the files that remain if the power is cut now. */
  cut(power: PowerCut, random: Random): Map<string, Buffer> {
    const share = power === 'torn' ? random() : Number(power === 'kept');
    const isThere = () => random() < share;
    const sector = power === 'torn' ? SECTORS[random() < 0.5 ? 0 : 1] : undefined;
    const names = new Map(this.#synced);
    for (const change of this.#unsynced) if (isThere()) applyNames(names, change);
    const contents = new Map<File, Buffer>();
    for (const file of names.values()) {
      if (!contents.has(file)) contents.set(file, contentsAfter(file, isThere, sector));
    }
    return new Map([...names].map(([name, file]) => [name, contents.get(file) as Buffer]));
  }

  #rename(change: NameChange): void {
    this.#unsynced.push(change);
    applyNames(this.#visible, change);
  }

  #sync({ kind, inode, processId }: SyncOperation): void {
    const key = `${processId} ${inode}`;
    const file = this.#files.get(inode);
    const unsynced = inode === this.#folder ? this.#unsynced : (file?.unsynced ?? []);
    if (kind === 'sync-begin') {
      this.#syncing.set(key, unsynced.length);
      return;
    }
    const count = this.#syncing.get(key) ?? 0;
    if (inode === this.#folder) {
      for (const change of this.#unsynced.splice(0, count)) applyNames(this.#synced, change);
    } else if (file !== undefined) {
      for (const operation of file.unsynced.splice(0, count)) {
        file.contents = applyData(file.contents, operation);
      }
    }
    // For another process that is syncing the same file, fewer are left.
    for (const [other, before] of this.#syncing) {
      if (other.endsWith(` ${inode}`)) this.#syncing.set(other, Math.max(0, before - count));
    }
  }
}

function contentsAfter(
  { contents, unsynced }: File,
  isThere: () => boolean,
  sector?: number,
): Buffer {
  let after: Buffer = Buffer.from(contents);
  for (const operation of unsynced) {
    const parts = sector === undefined ? [operation] : sectorsOf(operation, sector);
    for (const part of parts) if (isThere()) after = applyData(after, part);
  }
  return after;
}

/** Splits a write at the sectors of the disk. */
function sectorsOf(operation: DataOperation, sector: number): DataOperation[] {
  if (operation.kind === 'truncate') return [operation];
  const { kind, inode, offset, data } = operation;
  const parts: DataOperation[] = [];
  for (let at = 0; at < data.length; ) {
    const end = Math.min(data.length, at + sector - ((offset + at) % sector));
    parts.push({ kind, inode, offset: offset + at, data: data.subarray(at, end) });
    at = end;
  }
  return parts;
}

/** @param contents Changed in place if its length stays. */
function applyData(contents: Buffer, operation: DataOperation): Buffer {
  const end =
    operation.kind === 'truncate' ? operation.length : operation.offset + operation.data.length;
  const grown =
    end <= contents.length
      ? contents
      : Buffer.concat([contents, Buffer.alloc(end - contents.length)]);
  if (operation.kind === 'truncate') return grown.subarray(0, operation.length);
  grown.set(operation.data, operation.offset);
  return grown;
}

function applyNames(names: Map<string, File>, change: NameChange): void {
  for (const [name, file] of change) {
    if (file === undefined) names.delete(name);
    else names.set(name, file);
  }
}
