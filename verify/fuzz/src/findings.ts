import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Finding } from './supervise.js';

/** Keeps the input of a finding. @returns The path of its file, named after its target and its content. */
export async function saveFinding(
  folder: string,
  name: string,
  { input }: Pick<Finding, 'input'>,
): Promise<string> {
  const digest = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const file = path.resolve(folder, `${name}-${digest}`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, input);
  return file;
}
