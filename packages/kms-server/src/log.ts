import type { Readable, Writable } from 'node:stream';

// The platform's, whatever a test puts in their place later.
const { setTimeout } = globalThis;

/** A log entry of a request, or of a connection without one. It never has a body or key material. */
export interface RequestLog {
  readonly time: string;
  readonly requestId: string;
  /** Undefined if it is not one of KMS's. */
  readonly operation: string | undefined;
  /** The key as the request names it. */
  readonly key: string | undefined;
  /** `ok`, the name of the exception, or `closed`: the connection ended without a response. */
  readonly outcome: string;
  /** In milliseconds, to the microsecond. */
  readonly duration: number;
  /** Only when the server itself failed. */
  readonly failure?: string | undefined;
}

/** Called for each request, after its response. */
export type LogRequest = (entry: RequestLog) => void;

/** Where {@link logJsonLines} writes: a stream of Node.js, or anything else that takes text. */
export interface LogStream {
  /** Returns false if nothing more should be written until `drain`. */
  write(text: string): unknown;
  on?(event: 'drain' | 'error', listener: () => void): unknown;
}

/** Characters that terminals and log viewers take for line breaks, controls or changes of direction. */
const UNSAFE = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** In milliseconds. */
const INTERVAL = 10;
/** Of lines that wait for a slow reader. */
const MAXIMUM_WAITING = 10_000;
const MAXIMUM_BYTES = 4 * 1024 * 1024;

/**
 * Writes logs as lines of JSON. The lines of 10 ms are written together, because a system call for each takes longer
 * than most requests.
 *
 * Nothing waits for the reader: lines beyond 10,000 are dropped while it is slow, and all after it has gone.
 */
export function logJsonLines(stream: LogStream): LogRequest {
  let lines: string[] = [];
  let isBusy = false;
  let hasGone = false;
  const write = () => {
    isBusy = lines.length > 0;
    if (!isBusy) return;
    const text = `${lines.join('\n')}\n`;
    lines = [];
    const isFull = stream.write(text) === false && stream.on !== undefined;
    if (!isFull) isBusy = false;
  };
  stream.on?.('drain', write);
  stream.on?.('error', () => {
    hasGone = true;
    lines = [];
  });
  return (entry) => {
    if (hasGone || lines.length >= MAXIMUM_WAITING) return;
    lines.push(toLine(entry));
    if (isBusy) return;
    isBusy = true;
    setTimeout(write, INTERVAL);
  };
}

/**
 * Passes on the log of a process in whole lines, so that several processes can share a stream: it drops a line that was cut
 * off when the process was killed, and lines beyond 4 MiB while the reader is slow.
 */
export function passOnLines(from: Readable, to: Writable): void {
  let rest: Buffer[] = [];
  from.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf('\n') + 1;
    if (end === 0) {
      rest.push(chunk);
      return;
    }
    if (to.writableLength < MAXIMUM_BYTES)
      to.write(Buffer.concat([...rest, chunk.subarray(0, end)]));
    rest = [chunk.subarray(end)];
  });
}

function toLine(entry: RequestLog): string {
  return JSON.stringify(entry).replace(UNSAFE, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
