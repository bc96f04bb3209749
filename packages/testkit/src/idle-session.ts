import type { ConformanceCase } from './case.js';
import type { Session } from './session.js';

/** How long a session stays open before its first case. */
const IDLE_MS = 3000;

/**
 * A session for runners that may run no case of it: mocha does not call `after` of a `describe` whose tests `--grep`
 * leaves out, and a provider that stays open may keep the process alive. So the session is closed if no case begins for
 * a while, and opened again by the first one.
 */
export class IdleSession {
  readonly #open: () => Promise<Session>;
  readonly #timer: ReturnType<typeof setTimeout>;
  #session: Promise<Session> | undefined;
  #closing: Promise<void> = Promise.resolve();

  /** @param open Opens it again. */
  constructor(session: Session, open: () => Promise<Session>) {
    this.#session = Promise.resolve(session);
    this.#open = open;
    this.#timer = setTimeout(() => {
      // It fails the cases that wait for it.
      this.close().catch(() => {});
    }, IDLE_MS);
    // Absent in browsers, where it is a number.
    (this.#timer as { unref?(): void }).unref?.();
  }

  async run(each: ConformanceCase): Promise<void> {
    clearTimeout(this.#timer);
    await this.#closing;
    this.#session ??= this.#open();
    await (await this.#session).run(each);
  }

  close(): Promise<void> {
    clearTimeout(this.#timer);
    const session = this.#session;
    this.#session = undefined;
    // A session that could not be opened again has failed its cases.
    this.#closing = this.#closing.then(() =>
      session?.then(
        (opened) => opened.close(),
        () => {},
      ),
    );
    return this.#closing;
  }
}
