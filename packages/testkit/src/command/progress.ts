import type { CaseResult } from '../run-conformance.js';

/** The screen that shows progress. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const INTERVAL_MS = 80;

/** Shows the progress of a run in one line, on a terminal only. */
export class Progress {
  readonly #screen: Screen;
  readonly #total: number;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #done = 0;
  #failed = 0;
  #turns = 0;
  #last = 'starting';

  constructor(screen: Screen, total: number) {
    this.#screen = screen;
    this.#total = total;
    if (!screen.isTTY) return;
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), INTERVAL_MS).unref();
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
    const failed = this.#failed === 0 ? '' : `, ${this.#failed} failed`;
    const line = `${sign} ${this.#done} of ${this.#total}${failed}  ${this.#last}`;
    this.#screen.write(`\r\x1b[K${line.slice(0, (this.#screen.columns ?? 80) - 1)}`);
  }
}
