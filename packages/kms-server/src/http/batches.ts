// The platform's, whatever a test puts in their place later.
const { setImmediate } = globalThis;

/** The requests that arrive in one turn of the event loop, which are worked on, and answered, together. */
export class Batches {
  readonly #lookOnce: () => () => void;
  #begin: Promise<void> | undefined;
  #end: Promise<void> | undefined;

  /** @param lookOnce `KeyStore.lookOnce` */
  constructor(lookOnce: () => () => void) {
    this.#lookOnce = lookOnce;
  }

  /**
   * Waits until all requests of this turn have arrived, so that the store looks once for all of them whether another
   * process has changed it. Each began before that look; and until the second callback nothing is received, so none can
   * know of a later change.
   */
  begin(): Promise<void> {
    this.#begin ??= new Promise((resolve) => {
      let endLook = () => {};
      setImmediate(() => {
        this.#begin = undefined;
        endLook = this.#lookOnce();
        resolve();
      });
      setImmediate(() => endLook());
    });
    return this.#begin;
  }

  /**
   * Waits until all requests of this turn are worked on, so that their responses are sent together. Waking a client
   * costs the server as much time as the cryptography; with responses sent together, most clients are still awake.
   */
  end(): Promise<void> {
    this.#end ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#end = undefined;
        resolve();
      });
    });
    return this.#end;
  }
}
