/** Bytes that came and were not consumed yet, in one piece. Each byte is copied once, and at times moved. */
export class ByteQueue {
  #buffer: Uint8Array = new Uint8Array();
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Appends a copy, so that nothing else can change the bytes any more. */
  push(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#buffer.length) this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Returns the first bytes, which stay. They are valid until the next {@link push}. */
  peek(length = this.length): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#start + length);
  }

  /** Removes the first bytes and returns them. They are valid until the next {@link push}. */
  take(length: number): Uint8Array {
    const bytes = this.peek(length);
    this.#start += length;
    return bytes;
  }

  #makeRoom(length: number): void {
    const held = this.peek();
    const needed = held.length + length;
    // A buffer that would be nearly full is doubled, so that bytes that come one by one are rarely moved.
    const target =
      needed <= this.#buffer.length / 2
        ? this.#buffer
        : new Uint8Array(this.#buffer.length === 0 ? needed : 2 * needed);
    target.set(held);
    this.#buffer = target;
    this.#start = 0;
    this.#end = held.length;
  }
}
