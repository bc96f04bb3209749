let turn: Promise<void> | undefined;

/**
 * Waits until all requests that have arrived are worked on. A client that is answered wakes up, which takes
 * the server as long as the cryptography does; answered together, most are still awake.
 */
export function endOfTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined;
      resolve();
    });
  });
  return turn;
}
