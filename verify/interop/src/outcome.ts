/** The outcome of one attempt. */
export interface Outcome {
  readonly what: string;
  /** The reason of the failure; `undefined` for success. */
  readonly failure: string | undefined;
}

/** Tries something, and never rejects. */
export async function attempt(what: string, work: () => Promise<void>): Promise<Outcome> {
  try {
    await work();
    return { what, failure: undefined };
  } catch (error) {
    return { what, failure: String(error) };
  }
}

/** Returns the text of a table's cell for these outcomes. */
export function mark(outcomes: readonly Outcome[]): string {
  return outcomes.every(({ failure }) => failure === undefined) ? 'ok' : 'FAILED';
}

/** @throws if the bytes differ, without quoting them: they are long. */
export function assertSame(actual: Uint8Array | undefined, expected: Uint8Array): void {
  if (actual === undefined || Buffer.compare(actual, expected) !== 0) {
    throw new Error(`${actual?.length ?? 'no'} bytes came, not the ${expected.length} expected`);
  }
}
