import { readFileSync } from 'node:fs';
import path from 'node:path';

/** An operation of a recorded process on a folder; names are relative, `inode` is a file or the folder. */
export type Operation =
  | { readonly kind: 'create'; readonly name: string; readonly inode: number }
  | {
      readonly kind: 'write';
      readonly inode: number;
      readonly offset: number;
      readonly data: Buffer;
    }
  | { readonly kind: 'truncate'; readonly inode: number; readonly length: number }
  | {
      readonly kind: 'sync-begin' | 'sync-end';
      readonly inode: number;
      readonly processId: number;
    }
  | { readonly kind: 'rename' | 'link'; readonly name: string; readonly to: string }
  | { readonly kind: 'remove'; readonly name: string };

const HEADER = 40;

/** Reads the log that `recorder.c` writes. */
export function readOperations(file: string): Operation[] {
  const log = readFileSync(file);
  const operations: Operation[] = [];
  for (let at = 0; at < log.length; ) {
    const [kind, inode = 0, offset = 0, first = 0, second = 0] = [0, 8, 16, 24, 32].map((field) =>
      Number(log.readBigUInt64LE(at + field)),
    );
    const data = log.subarray(at + HEADER, at + HEADER + first);
    const to = log.subarray(at + HEADER + first, at + HEADER + first + second);
    at += HEADER + first + second;
    operations.push(operationOf(String.fromCharCode(kind as number), inode, offset, data, to));
  }
  return operations;
}

function operationOf(
  kind: string,
  inode: number,
  offset: number,
  data: Buffer,
  to: Buffer,
): Operation {
  const name = () => path.basename(data.toString());
  switch (kind) {
    case 'C':
      return { kind: 'create', name: name(), inode };
    case 'W':
      return { kind: 'write', inode, offset, data };
    case 'T':
      return { kind: 'truncate', inode, length: offset };
    case 'B':
      return { kind: 'sync-begin', inode, processId: offset };
    case 'S':
      return { kind: 'sync-end', inode, processId: offset };
    case 'R':
      return { kind: 'rename', name: name(), to: path.basename(to.toString()) };
    case 'L':
      return { kind: 'link', name: name(), to: path.basename(to.toString()) };
    case 'U':
      return { kind: 'remove', name: name() };
    default:
      throw new Error(`the log of the recorder has an unknown record: ${kind}`);
  }
}
