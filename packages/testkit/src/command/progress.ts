import type { CaseResult } from '../run-conformance.js';

/** Where progress is shown. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const INTERVAL_MS = 80;

/** One line that tells how far the run is; nothing where there is no terminal. */
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

  /** A case is done. */
  readonly advance = ({ id, title, status }: CaseResult): void => {
    this.#done++;
    if (status === 'failed') this.#failed++;
    this.#last = `${id} ${title}`;
  };

  /** Takes the line away. */
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
