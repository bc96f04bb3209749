import { type Profiler, Session } from 'node:inspector';

/** A function of the packages' code, and which of its characters have been run. */
type Covered = Uint8Array;

/**
 * Tells which input reaches code that none has reached before: what V8 counts of this thread
 * ([precise coverage](https://chromedevtools.github.io/devtools-protocol/tot/Profiler/)).
 */
export class Coverage {
  readonly #session = new Session();
  readonly #covered = new Map<string, Covered>();
  readonly #isOurs: (url: string) => boolean;

  /** @param isOurs Tells the code that matters by its URL. Only what is loaded later is counted in blocks. */
  constructor(isOurs: (url: string) => boolean) {
    this.#isOurs = isOurs;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The number of functions run so far. */
  get functions(): number {
    return this.#covered.size;
  }

  /** Returns the functions run since the last call. */
  take(): Profiler.ScriptCoverage[] {
    let scripts: Profiler.ScriptCoverage[] = [];
    // The callback is called before this returns: the session is one of this thread.
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      scripts = result.filter(({ url }) => this.#isOurs(url));
    });
    return scripts;
  }

  /**
   * Tells whether any of them was never run before.
   *
   * @param keep Whether it counts as run from now on.
   */
  hasNew(scripts: readonly Profiler.ScriptCoverage[], keep: boolean): boolean {
    let isNew = false;
    for (const { scriptId, functions } of scripts) {
      for (const { ranges } of functions) {
        const [whole] = ranges;
        if (whole === undefined || whole.count === 0) continue;
        const id = `${scriptId}:${whole.startOffset}`;
        const run = runCharacters(ranges);
        const before = this.#covered.get(id);
        isNew ||= before === undefined || run.some((value, index) => value > (before[index] ?? 0));
        if (!keep) continue;
        before?.forEach((value, index) => {
          if (value === 1) run[index] = 1;
        });
        this.#covered.set(id, run);
      }
    }
    return isNew;
  }

  close(): void {
    this.#session.disconnect();
  }
}

/** The ranges of a function: itself first, and then blocks whose count differs from what is around them. */
function runCharacters(ranges: readonly Profiler.CoverageRange[]): Covered {
  const { startOffset: start, endOffset: end } = ranges[0] as Profiler.CoverageRange;
  const run = new Uint8Array(end - start);
  for (const { startOffset, endOffset, count } of ranges) {
    run.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
  }
  return run;
}
