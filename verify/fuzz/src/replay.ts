import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { targets } from './targets.js';

/** Runs a target on one input, in this thread, for a debugger. @returns The problem, if any. */
export async function replay(name: string, input: Uint8Array): Promise<string | undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-fuzz-'));
  const target = await targets.find((candidate) => candidate.name === name)?.open(folder);
  try {
    await target?.run(new Uint8Array(input));
    return undefined;
  } catch (error) {
    return String((error as Error).stack ?? error);
  } finally {
    await target?.close?.();
    await rm(folder, { recursive: true, force: true });
  }
}
