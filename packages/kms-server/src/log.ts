// The platform's, whatever a test puts in their place later.
const { setImmediate } = globalThis;

/** A log entry of a request. It never has a body or key material. */
export interface RequestLog {
  readonly time: string;
  readonly requestId: string;
  /** Undefined if it is not one of KMS's. */
  readonly operation: string | undefined;
  /** The key as the request names it. */
  readonly key: string | undefined;
  /** `ok`, or the name of the exception. */
  readonly outcome: string;
  /** In milliseconds. */
  readonly duration: number;
  /** Only when the server itself failed. */
  readonly failure?: string | undefined;
}

/** Called for each request, after its response. */
export type LogRequest = (entry: RequestLog) => void;

/**
 * Writes logs as lines of JSON. The lines of one turn of the event loop are written together, because a
 * system call for each takes longer than most requests.
 */
export function logJsonLines(stream: { write(text: string): unknown }): LogRequest {
  let lines: string[] = [];
  return (entry) => {
    if (lines.length === 0) {
      setImmediate(() => {
        stream.write(`${lines.join('\n')}\n`);
        lines = [];
      });
    }
    lines.push(JSON.stringify(entry));
  };
}
