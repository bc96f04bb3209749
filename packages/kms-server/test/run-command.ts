import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(import.meta.resolve('#dist/cli.js'));

/** A run of the command keywrap-kms. */
export class Run {
  static readonly #running = new Set<ChildProcessWithoutNullStreams>();

  readonly child: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [COMMAND, ...args]);
    Run.#running.add(this.child);
    this.child.once('close', () => Run.#running.delete(this.child));
    this.child.stdout.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
  }

  /** Ends all that still run. */
  static killAll(): void {
    for (const child of Run.#running) child.kill('SIGKILL');
  }

  /** The URL that it prints when it is ready. */
  async url(): Promise<string> {
    while (!this.stdout.includes('\n')) await once(this.child.stdout, 'data');
    return this.stdout.trim().split(' ').at(-1) as string;
  }

  async exitCode(): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode;
    const [code] = await once(this.child, 'close');
    return code;
  }
}
