import type { ConformanceCase } from './case.js';
import { describeError, Mismatch } from './expect.js';

/** A failed case. The message shows the calls, the expected and actual outcome, its causes, and the rule. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure';
  readonly caseId: string;
  readonly expected: string;
  readonly actual: string;
  /** The errors behind the actual outcome, from the nearest on. */
  readonly causes: readonly string[];
  /** Tells mocha not to show a diff. */
  readonly showDiff = false;
  /** The last calls to the provider. */
  readonly calls: readonly string[];
  /** The source of the rule. */
  readonly source: string;
  /** How to run this case alone. */
  readonly repeat: string;

  constructor(failed: ConformanceCase, error: unknown, calls: readonly string[], repeat: string) {
    const { expected, actual } =
      error instanceof Mismatch ? error : { expected: 'success', actual: describeError(error) };
    // The cause of a mismatch is the error that `came` shows.
    const causes = causesOf(error instanceof Mismatch ? error.cause : error);
    super(
      [
        `${failed.id}: ${failed.title}`,
        `  done:     ${calls.join('\n            ') || 'no call'}`,
        `  expected: ${expected}`,
        `  came:     ${actual}`,
        ...causes.map((cause) => `  cause:    ${cause}`),
        `  rule:     ${failed.rule.statement} (${failed.rule.id}; ${failed.rule.source})`,
        `  repeat:   ${repeat}`,
      ].join('\n'),
      { cause: error },
    );
    this.caseId = failed.id;
    this.expected = expected;
    this.actual = actual;
    this.causes = causes;
    this.calls = calls;
    this.source = failed.rule.source;
    this.repeat = repeat;
  }
}

/**
 * The harness itself failed: `open` or `keys.create` rejected. It says nothing about the provider's conformance, so it
 * ends the run; `cause` is the rejection.
 */
export class HarnessError extends Error {
  override readonly name = 'HarnessError';

  constructor(what: string, cause: unknown) {
    const causes = causesOf(cause);
    super([`${what} failed: ${describeError(cause)}`, ...causes].join('\n  cause:    '), { cause });
  }
}

/** More would be a cycle. */
const LONGEST_CHAIN = 10;

/** Describes every cause of an error, and where an unexpected one was thrown. */
function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let link = error;
  while (causes.length < LONGEST_CHAIN) {
    const cause: unknown = (link as { cause?: unknown } | null | undefined)?.cause;
    if (cause === undefined || cause === null) break;
    causes.push(`${describeError(cause)}${placeOf(cause)}`);
    link = cause;
  }
  return causes;
}

/** Returns the first line of an error's stack that is a place: `at file:1:2`. */
function placeOf(error: unknown): string {
  const { stack } = error as { stack?: unknown };
  const place =
    typeof stack === 'string' ? /^\s*(at .+|.*@.+:\d+:\d+)$/m.exec(stack)?.[1] : undefined;
  return place === undefined ? '' : ` (${place.trim()})`;
}
