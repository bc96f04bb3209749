/** Bytes that may be in memory at a time. */
export class ByteBudget {
  #left: number;

  /** @param size In bytes. */
  constructor(size: number) {
    this.#left = size;
  }

  /** Takes this many bytes, which {@link give} returns; false if there are not as many. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}
