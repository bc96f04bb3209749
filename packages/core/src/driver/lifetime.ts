/** Whether a backend is open, and how many calls use it: shared by all layers over it. */
export class Lifetime {
  #ended: Promise<void> | undefined;
  #underWay = 0;
  #onIdle: (() => void) | undefined;

  /** Whether no call may begin. */
  get isOver(): boolean {
    return this.#ended !== undefined;
  }

  /** Begins a call; each needs its {@link leave}. */
  enter(): void {
    this.#underWay++;
  }

  /** Ends a call. */
  leave(): void {
    if (--this.#underWay === 0) this.#onIdle?.();
  }

  /** Lets no call begin, and resolves when none is under way. */
  end(): Promise<void> {
    this.#ended ??= new Promise((resolve) => {
      if (this.#underWay === 0) resolve();
      else this.#onIdle = resolve;
    });
    return this.#ended;
  }
}
