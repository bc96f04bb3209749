import { spawn } from 'node:child_process';
import path from 'node:path';

/** A command that failed, and all that it printed. */
export class CommandFailed extends Error {}

/** Runs a command to its end and returns what it printed on standard output. @throws {@link CommandFailed} */
export async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32' && ['npm', 'npx'].includes(command),
  });
  let output = '';
  let all = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    all += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    all += text;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (status === 0) return output;
  throw new CommandFailed(`failed: ${[path.basename(command), ...args].join(' ')}\n${all}`);
}

/** Runs the work on each item, two at a time, and returns the results in order. */
export async function inPairs<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all([worker(), worker()]);
  return results;
}
