import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A server in a separate process, so that it does not share a core with its caller. */
export interface ServerProcess {
  readonly url: string;
  stop(): void;
}

/** Starts one of the programs that print their URL. */
export async function startServer(program: string, ...args: string[]): Promise<ServerProcess> {
  const file = fileURLToPath(new URL(`programs/${program}.js`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${program} exited with ${code}`);
  });
  failed.catch(() => {});
  const [url] = (await Promise.race([once(lines, 'line'), failed])) as [string];
  return { url, stop: () => child.kill() };
}
