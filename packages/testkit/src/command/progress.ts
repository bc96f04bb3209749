import type { CaseResult } from '../run-conformance.js';

/** The screen that shows progress. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const INTERVAL_MS = 80;

/** How often a line is written where there is no terminal: a log needs few of them. */
const LOG_INTERVAL_MS = 10_000;

/** Shows the progress of a run: in one line on a terminal, elsewhere in a line every ten seconds. */
export class Progress {
  readonly #screen: Screen;
  readonly #total: number;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #done = 0;
  #failed = 0;
  #turns = 0;
  #last = 'starting';

  /** @param logIntervalMs How often a line is written where there is no terminal. */
  constructor(screen: Screen, total: number, logIntervalMs = LOG_INTERVAL_MS) {
    this.#screen = screen;
    this.#total = total;
    if (screen.isTTY) this.#draw();
    this.#timer = screen.isTTY
      ? setInterval(() => this.#draw(), INTERVAL_MS).unref()
      : setInterval(() => screen.write(`${this.#counts()}\n`), logIntervalMs).unref();
  }

  /** Counts a finished case. */
  readonly advance = ({ id, title, status }: CaseResult): void => {
    this.#done++;
    if (status === 'failed') this.#failed++;
    this.#last = `${id} ${title}`;
  };

  /** Clears the line. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#screen.isTTY) this.#screen.write('\r\x1b[K');
  }

  #draw(): void {
    const sign = SPINNER[this.#turns++ % SPINNER.length];
    const line = `${sign} ${this.#counts()}  ${this.#last}`;
    this.#screen.write(`\r\x1b[K${line.slice(0, (this.#screen.columns ?? 80) - 1)}`);
  }

  #counts(): string {
    const failed = this.#failed === 0 ? '' : `, ${this.#failed} failed`;
    return `${this.#done} of ${this.#total} cases${failed}`;
  }
}
