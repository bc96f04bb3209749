import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '../worker.js';

const WORKER = fileURLToPath(new URL('../worker.js', import.meta.url));

/** A worker that was started. */
export class WorkerProcess {
  readonly name: string;
  readonly journal: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown[]>;

  constructor(options: WorkerOptions) {
    this.name = options.name;
    this.journal = options.journal;
    this.#child = spawn(process.execPath, [WORKER, JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#exited = once(this.#child, 'exit');
  }

  /** The length of its journal, in bytes. */
  get written(): number {
    return statSync(this.journal, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Waits until the journal has grown by this number of bytes, or the worker has ended. */
  async writes(bytes: number): Promise<void> {
    const wanted = this.written + bytes;
    while (this.#child.exitCode === null && this.written < wanted) await delay(5);
  }

  /** @returns The problem, if it ended for another reason. */
  async kill(): Promise<string | undefined> {
    this.#child.kill('SIGKILL');
    const [code, signal] = await this.#exited;
    if (signal === 'SIGKILL') return undefined;
    return `a worker, which ended by itself: ${code ?? signal}`;
  }
}
