import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** Gives the tests of a `describe` a folder, and ends what a test that failed left running. */
export function useFolder() {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keywrap-kms-'));
  });
  after(() => rm(folder, { recursive: true }));
  afterEach(() => Run.killAll());
  const pathOf = (name = '') => join(folder, name);
  return {
    pathOf,
    /** Writes a private file, and returns its path. */
    async file(name: string, contents: string): Promise<string> {
      await writeFile(pathOf(name), contents, { mode: 0o600 });
      return pathOf(name);
    },
  };
}
