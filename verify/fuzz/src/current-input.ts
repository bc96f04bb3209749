import { MAXIMUM_INPUT } from './mutation.js';

const HEAD = 3;
const COUNT = 0;
const LENGTH = 1;
const STOPPED = 2;

/**
 * The input that a worker is busy with, in memory that its parent sees too: also when the worker hangs or
 * has run out of memory.
 */
export class CurrentInput {
  readonly buffer: SharedArrayBuffer;
  readonly #head: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(buffer = new SharedArrayBuffer(HEAD * 4 + MAXIMUM_INPUT)) {
    this.buffer = buffer;
    this.#head = new Int32Array(buffer, 0, HEAD);
    this.#bytes = new Uint8Array(buffer, HEAD * 4);
  }

  /** The number of inputs so far. */
  get count(): number {
    return Atomics.load(this.#head, COUNT);
  }

  /** True if the worker must stop after this input. */
  get isStopped(): boolean {
    return Atomics.load(this.#head, STOPPED) === 1;
  }

  stop(): void {
    Atomics.store(this.#head, STOPPED, 1);
  }

  write(input: Uint8Array): void {
    this.#bytes.set(input);
    Atomics.store(this.#head, LENGTH, input.length);
    Atomics.add(this.#head, COUNT, 1);
  }

  read(): Uint8Array {
    return this.#bytes.slice(0, Atomics.load(this.#head, LENGTH));
  }
}
