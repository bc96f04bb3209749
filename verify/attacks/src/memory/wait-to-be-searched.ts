import { writeHeapSnapshot } from 'node:v8';
import { type Needle, Needles } from './needles.js';

/** The message of a program that is ready to be searched. */
export interface Ready {
  readonly needles: readonly Needle[];
}

/**
 * Runs work that leaves secrets behind or not, collects the garbage, tells the parent what to look for,
 * and waits: the parent searches the memory, and asks for a heap snapshot by sending the path to write it
 * to. Needs `--expose-gc`.
 */
export async function waitToBeSearched(work: (needles: Needles) => Promise<void>): Promise<void> {
  const needles = new Needles();
  await work(needles);
  // Finalizers run after a collection, and what they release is collected by the next.
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.on('message', (file: string) => {
    writeHeapSnapshot(file);
    process.send?.('written');
  });
  process.send?.({ needles: needles.toJSON() } satisfies Ready);
}
