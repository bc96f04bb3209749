import { isKeyArn, isUint8Array, KeyWrapError } from '@keywrap/core';
import { hexOf } from './bytes.js';
import { changeIn } from './damage.js';
import { kindOf, Mismatch } from './expect.js';
import { intercept } from './intercept.js';
import { leakInError, leakInText } from './leaks.js';

/** Errors of one kind that are searched through and through; of the rest, the text is. */
const SEARCHED_WHOLE = 8;

/** How many of the last secrets errors are searched for: the time for all of them would grow with their square. */
const SEARCHED = 32;

/** How many of the last calls a failure shows. */
const SHOWN_CALLS = 4;

/** Records a case's calls to the provider, for failure messages and to find leaks. */
export class Journal {
  readonly #calls: { text: string }[] = [];
  readonly #secrets: Uint8Array[] = [];
  readonly #public = new Set<string>();
  readonly #errors = new Map<string, number>();
  #leak: Mismatch | undefined;

  /** Records a call, and returns a function that records its outcome. */
  begin(operation: string, input: unknown): (outcome: string) => void {
    this.#publish(input);
    return this.beginChange(`${operation}(${describeInput(input)})`);
  }

  /** Records what the harness does between the calls, and returns a function that records its outcome. */
  beginChange(text: string): (outcome: string) => void {
    const call = { text };
    this.#calls.push(call);
    if (this.#calls.length > SHOWN_CALLS) this.#calls.shift();
    return (outcome) => {
      call.text += ` -> ${outcome}`;
    };
  }

  /** Records bytes that no error may show. */
  keepSecret(bytes: Uint8Array): void {
    this.#secrets.push(bytes.slice());
    if (this.#secrets.length > SEARCHED) this.#secrets.shift();
  }

  /** Returns the last calls, one per line. */
  get lastCalls(): readonly string[] {
    return this.#calls.map(({ text }) => text);
  }

  /** Fails the case when an error shows a secret of the case, or the bytes of its own call. */
  expectNoLeak(error: unknown, ownBytes: readonly Uint8Array[]): void {
    if (error instanceof KeyWrapError && isKeyArn(error.keyId)) this.#public.add(error.keyId);
    // An SDK's errors hold whole connections: inspecting hundreds of them would take most of the time.
    const search = this.#countOf(error) > SEARCHED_WHOLE ? leakInText : leakInError;
    const where = search(error, [...this.#secrets, ...ownBytes], (text) => this.#isPublic(text));
    if (where === undefined) return;
    this.#leak ??= new Mismatch(
      'an error without key bytes, plaintext or ciphertext in it or its causes',
      `one that shows such bytes ${where}`,
    );
    throw this.#leak;
  }

  /** Fails the case for a leak that it did not notice, because it expects its calls to fail. */
  expectNoLeakSoFar(): void {
    if (this.#leak !== undefined) throw this.#leak;
  }

  /** Counts the errors that have the same operation and code. */
  #countOf(error: unknown): number {
    const { operation, code } = (error ?? {}) as { operation?: unknown; code?: unknown };
    const kind = `${String(operation)} ${String(code)}`;
    const count = (this.#errors.get(kind) ?? 0) + 1;
    this.#errors.set(kind, count);
    return count;
  }

  // A ciphertext may begin with the id of its key, and an error may name that key.
  #publish(input: unknown): void {
    if (typeof input !== 'object' || input === null) return;
    for (const [name, value] of fieldsOf(input)) {
      if (typeof value === 'string' && name.toLowerCase().endsWith('keyid'))
        this.#public.add(value);
      else if (name === 'source' || name === 'destination') this.#publish(value);
    }
  }

  #isPublic(text: string): boolean {
    return [...this.#public].some((keyId) => keyId.includes(text));
  }
}

/** What the harness does to keys and a failure shows: creating one says nothing, and some are shared. */
const CHANGES: ReadonlySet<string | symbol> = new Set([
  ...['alias', 'moveAlias', 'disable', 'enable', 'rotate', 'scheduleDeletion', 'destroy'],
  ...['cancelDeletion'],
  ...['restrictToDecrypt', 'removeOldVersions', 'deleteSoftly', 'deny'],
]);

/** Records the changes that the harness makes between the calls. */
export function recordChanges<T extends object>(ring: T, journal: Journal): T {
  return intercept(ring, (name, call, input) => {
    if (!CHANGES.has(name)) return call();
    const finish = journal.beginChange(`keys.${String(name)}(${input.join(', ')})`);
    const outcome = call() as Promise<unknown>;
    outcome.then(
      () => finish('done'),
      () => finish('rejected'),
    );
    return outcome;
  });
}

/** Returns the fields of an input without calling a getter: the provider must be the first to read it. */
function fieldsOf(input: object): [name: string, value: unknown][] {
  return Object.entries(Object.getOwnPropertyDescriptors(input))
    .filter(([, { enumerable }]) => enumerable)
    .map(([name, { value }]) => [name, value]);
}

/** Returns the bytes of an input that its errors must not show. */
export function bytesIn(input: unknown): Uint8Array[] {
  if (typeof input !== 'object' || input === null) return [];
  const { plaintext, ciphertext } = Object.fromEntries(fieldsOf(input));
  return [plaintext, ciphertext].flatMap((value) => {
    // A detached array can't be copied, and contains nothing.
    if (isUint8Array(value)) return value.byteLength === 0 ? [] : [new Uint8Array(value)];
    return typeof value === 'string' ? [new TextEncoder().encode(value)] : [];
  });
}

/** Describes the outcome of a call in one line. */
export function describeOutcome(result: unknown): string {
  return result === undefined ? 'nothing' : kindOf(result);
}

function describeInput(input: unknown): string {
  if (isUint8Array(input)) return describeBytes(input);
  if (typeof input === 'string') return kindOf(input);
  if (typeof input !== 'object' || input === null) return String(input);
  const fields = fieldsOf(input).map(([name, value]) => `${name}: ${describeField(name, value)}`);
  return `{ ${fields.join(', ')} }`;
}

const SHOWN = new Set(['keyId', 'algorithm', 'keySpec', 'keyPairSpec', 'numberOfBytes']);

function describeField(name: string, value: unknown): string {
  if (isUint8Array(value)) return describeBytes(value);
  if (name === 'source' || name === 'destination') return describeInput(value);
  if (name === 'encryptionContext') return describeContext(value);
  if (SHOWN.has(name) && (typeof value === 'string' || typeof value === 'number')) {
    return shorten(JSON.stringify(value));
  }
  return kindOf(value);
}

/** The most bytes of an input that are shown whole. */
const SHOWN_BYTES = 40;

/** Shows the bytes of an input, which are the suite's own, and what it changed in them. */
function describeBytes(bytes: Uint8Array): string {
  const { length } = bytes;
  // Detached bytes can't be read.
  if (length === 0) return '0 bytes';
  const ends = [bytes.subarray(0, 24), bytes.subarray(-8)].map(hexOf);
  const shown = length > SHOWN_BYTES ? ends.join('...') : hexOf(bytes);
  const change = changeIn(bytes);
  return [`${length} bytes`, shown, change && `(${change})`].filter(Boolean).join(' ');
}

// An encryption context is not secret.
function describeContext(value: unknown): string {
  try {
    return shorten(JSON.stringify(Object.fromEntries(fieldsOf(value as object))));
  } catch {
    return kindOf(value);
  }
}

function shorten(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}
