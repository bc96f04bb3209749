/** Tracks whether a backend is open, and counts its calls. All layers over one backend share it. */
export class Lifetime {
  #isOver = false;
  #underWay = 0;
  #waiting: (() => void)[] = [];

  /** True if no call may begin. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** True if a call is in progress. */
  get isInUse(): boolean {
    return this.#underWay > 0;
  }

  /** Begins a call; {@link leave} ends it. */
  enter(): void {
    this.#underWay++;
  }

  /** Ends a call. */
  leave(): void {
    if (--this.#underWay > 0 || this.#waiting.length === 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Prevents new calls, and resolves when none is in progress. */
  end(): Promise<void> {
    this.#isOver = true;
    return this.idle();
  }

  /** Resolves when no call is in progress. */
  async idle(): Promise<void> {
    while (this.isInUse) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
