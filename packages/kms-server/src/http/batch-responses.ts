// The platform's, whatever a test puts in their place later.
const { setImmediate } = globalThis;

let turn: Promise<void> | undefined;

/**
 * Waits until the end of this turn of the event loop, so that all responses of a turn are sent together.
 * Waking a client costs the server as much time as the cryptography; with responses sent together, most
 * clients are still awake.
 */
export function batchResponses(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined;
      resolve();
    });
  });
  return turn;
}
