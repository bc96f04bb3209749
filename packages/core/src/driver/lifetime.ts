/** Whether a backend is open, and how many calls use it: shared by all layers over it. */
export class Lifetime {
  #isOver = false;
  #underWay = 0;
  #waiting: (() => void)[] = [];

  /** Whether no call may begin. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether a call is under way. */
  get isInUse(): boolean {
    return this.#underWay > 0;
  }

  /** Begins a call; each needs its {@link leave}. */
  enter(): void {
    this.#underWay++;
  }

  /** Ends a call. */
  leave(): void {
    if (--this.#underWay > 0 || this.#waiting.length === 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Lets no call begin, and resolves when none is under way. */
  end(): Promise<void> {
    this.#isOver = true;
    return this.idle();
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    while (this.isInUse) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
