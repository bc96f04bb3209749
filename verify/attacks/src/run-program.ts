import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Options of a program of this folder. */
export interface ProgramOptions {
  /** For Node.js itself. */
  readonly flags?: readonly string[];
  /** For the program. */
  readonly args?: readonly string[];
}

/**
 * Runs a program in a separate process, because it damages the process that it runs in, and parses the JSON
 * that it prints.
 *
 * @param program Its path below `dist`, without `.js`.
 * @throws Error with its standard error if it fails.
 */
export async function runProgram<Report>(
  program: string,
  { flags = [], args = [] }: ProgramOptions = {},
): Promise<Report> {
  const file = fileURLToPath(new URL(`${program}.js`, import.meta.url));
  const child = spawn(process.execPath, [...flags, file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Coverage has its own snapshots in memory, which these programs search.
    env: { ...process.env, NODE_V8_COVERAGE: '', NODE_OPTIONS: '' },
  });
  const [output, errors] = ['', ''].map(() => [] as Buffer[]) as [Buffer[], Buffer[]];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => errors.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`${program} failed (${code}): ${Buffer.concat(errors)}`);
  return JSON.parse(Buffer.concat(output).toString()) as Report;
}
