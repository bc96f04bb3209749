import fs from 'node:fs';
import path from 'node:path';
import { AccessDeniedError } from '@keywrap/core';

const NAME = /^[\w-]+\.jsonl$/;
/** Characters of a line: more than any call makes. */
export const MAXIMUM_LINE = 1024 * 1024;
/** Others may write; with a trusted group, its members may. */
const [WRITABLE, WRITABLE_BY_OTHERS] = [0o022, 0o002];

/** The names of the logs in a folder, the oldest first. */
export async function listLogs(folder: string): Promise<string[]> {
  return (await fs.promises.readdir(folder)).filter((name) => NAME.test(name)).sort();
}

/**
 * Reads a file that only this user, root or a trusted group may write. Links are not followed, and nothing
 * waits for the writer of a pipe.
 *
 * @throws {@link AccessDeniedError} for any other file.
 */
export async function readOwnFile<Result>(
  file: string,
  trustedGroup: number | undefined,
  read: (handle: fs.promises.FileHandle) => Promise<Result>,
): Promise<Result> {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
  const handle = await fs.promises.open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(explain);
  try {
    const problem = problemOf(await handle.stat(), trustedGroup);
    if (problem !== undefined) throw refused(file, problem);
    return await read(handle);
  } finally {
    await handle.close();
  }

  function explain(error: NodeJS.ErrnoException): never {
    // A link, a socket, or a device that is not there.
    if (['ELOOP', 'EMLINK', 'ENXIO'].includes(error.code ?? '')) {
      throw refused(file, 'is not a regular file');
    }
    throw error;
  }
}

function problemOf(stat: fs.Stats, trustedGroup: number | undefined): string | undefined {
  if (!stat.isFile()) return 'is not a regular file';
  const own = process.geteuid?.();
  if (own === undefined) return undefined;
  const isTrusted = trustedGroup !== undefined && stat.gid === trustedGroup;
  if ((stat.mode & (isTrusted ? WRITABLE_BY_OTHERS : WRITABLE)) !== 0) {
    return `can be changed by others (mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')})`;
  }
  if (stat.uid === own || stat.uid === 0 || isTrusted) return undefined;
  return `belongs to the user with id ${stat.uid}`;
}

function refused(file: string, problem: string): AccessDeniedError {
  return new AccessDeniedError(
    `${path.basename(file)} ${problem}; find out who made it so, and make it private or move it away`,
  );
}

/** Splits lines. node:readline also splits at U+2028 and U+2029, which JSON may contain. */
export async function* linesOf(handle: fs.promises.FileHandle): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of handle.createReadStream({
    encoding: 'utf8',
    start: 0,
    autoClose: false,
  })) {
    if (rest.length > MAXIMUM_LINE) break;
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() as string;
    yield* lines;
  }
  if (rest !== '') yield `${rest} (no line break)`;
}
