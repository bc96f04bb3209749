/** How one thing that was tried went. */
export interface Outcome {
  readonly what: string;
  /** Why it failed; `undefined` when it did not. */
  readonly failure: string | undefined;
}

/** Tries something, whatever comes of it. */
export async function attempt(what: string, work: () => Promise<void>): Promise<Outcome> {
  try {
    await work();
    return { what, failure: undefined };
  } catch (error) {
    return { what, failure: String(error) };
  }
}

/** What a table says of the outcomes in one of its cells. */
export function mark(outcomes: readonly Outcome[]): string {
  return outcomes.every(({ failure }) => failure === undefined) ? 'ok' : 'FAILED';
}

/** @throws when the bytes differ. They are no secrets, but long. */
export function assertSame(actual: Uint8Array | undefined, expected: Uint8Array): void {
  if (actual === undefined || Buffer.compare(actual, expected) !== 0) {
    throw new Error(`${actual?.length ?? 'no'} bytes came, not the ${expected.length} expected`);
  }
}
