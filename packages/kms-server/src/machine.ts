import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** Bytes that a connection may take: headers, the free part of a body, and what Node.js and the system keep. */
const CONNECTION = 64 * 1024;
/** Node.js raises the limit of open files as far as it may; this is what most systems allow at least. */
const USUAL_FILES = 4096;

/**
 * Returns how many connections this machine can hold: in a sixteenth of the memory, and a quarter of the open
 * files, because twice as many are accepted to be refused.
 */
export function connectionsOfMachine(): number {
  // Zero or more than there is without a limit on the container.
  const constrained = process.constrainedMemory?.() || Number.POSITIVE_INFINITY;
  const memory = Math.min(totalmem(), constrained);
  return Math.max(16, Math.floor(Math.min(memory / 16 / CONNECTION, openFiles() / 4)));
}

/** Returns the number of files that this process may open. */
function openFiles(): number {
  try {
    const [, limit] =
      /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return Number(limit ?? USUAL_FILES);
  } catch {
    return USUAL_FILES;
  }
}
