import { base64Of, base64UrlOf, hexOf, latin1Of } from './bytes.js';
import { check } from './expect.js';
import { inspect } from './platform.js';

// Searches everything that a provider shows for secret bytes. A leak may be partial and in any usual notation, so
// the search is for short windows of the secret, in each notation.

const WINDOW = 12;
/** A window with fewer different bytes could occur by chance, such as the zeros of an account number. */
const MINIMUM_VARIETY = 6;

/**
 * Returns the notation in which an error shows a secret: its message, stack, every own and inherited
 * property, its chain of causes, its inspection and its JSON.
 *
 * @param isPublic Returns true for text that may be shown although it is part of a secret, such as the key id in
 * the header of a ciphertext.
 */
export function leakInError(
  error: unknown,
  secrets: readonly Uint8Array[],
  isPublic: (text: string) => boolean = () => false,
): string | undefined {
  return findSecret(secrets, textsOf(error), isPublic);
}

/** Does the same as {@link leakInError} for the text of an error alone: its message, stack and JSON. */
export function leakInText(
  error: unknown,
  secrets: readonly Uint8Array[],
  isPublic: (text: string) => boolean = () => false,
): string | undefined {
  const { stack } = (error ?? {}) as { stack?: unknown };
  return findSecret(secrets, [textOf(error), textOf(stack), stringify(error)], isPublic);
}

/** Returns the notation in which a result shows a secret when it is printed, logged or serialised. */
function leakInResult(result: object, secrets: readonly Uint8Array[]): string | undefined {
  const texts = [
    inspect(result),
    // The output of console.log('%o').
    inspect(result, { showHidden: true, depth: 8, maxArrayLength: null }),
    inspect({ result: [result] }, { depth: 8, maxArrayLength: null }),
    stringify(result),
    stringify({ ...result }),
    String(result),
  ];
  return findSecret(secrets, texts, () => false);
}

/** Returns the notation in which texts show a secret. */
export function leakInTexts(
  texts: readonly string[],
  secrets: readonly Uint8Array[],
): string | undefined {
  return findSecret(secrets, texts, () => false);
}

/** Fails the case when a result shows a secret. */
export function expectHidden(result: object, secret: Uint8Array, what = 'the plaintext'): void {
  const where = leakInResult(result, [secret]);
  check(where === undefined, `a result without ${what}`, `one that shows it ${where}`);
}

function findSecret(
  secrets: readonly Uint8Array[],
  texts: readonly string[],
  isPublic: (text: string) => boolean,
): string | undefined {
  const exact = texts.join('\n');
  // Inspection puts blanks and line breaks between bytes: `<Buffer 61 62>`, `[ 97, 98 ]`.
  const compact = exact.replace(/\s/g, '');
  const lower = compact.toLowerCase();
  for (const secret of secrets) {
    for (const { text, texts: others, lists } of windowsOf(secret)) {
      if (isPublic(text)) continue;
      if (exact.includes(text) || exact.includes(others.utf8)) return 'as text';
      if (lower.includes(others.hex)) return 'in hexadecimal';
      if (others.base64.some((each) => compact.includes(each))) return 'in base64';
      if (lists.some((each) => compact.includes(each))) return 'as a list of bytes';
    }
  }
  return undefined;
}

/** A window of a secret, in each notation. */
interface Window {
  readonly text: string;
  readonly texts: {
    readonly utf8: string;
    readonly hex: string;
    readonly base64: readonly string[];
  };
  readonly lists: readonly string[];
}

/** A case searches each of its errors for the same secrets. */
const WINDOWS = new WeakMap<Uint8Array, readonly Window[]>();

/** Returns windows at the beginning, in the middle and at the end. */
function windowsOf(secret: Uint8Array): readonly Window[] {
  const known = WINDOWS.get(secret);
  if (known !== undefined) return known;
  const last = secret.length - WINDOW;
  const offsets = last < 0 ? [] : [...new Set([0, Math.floor(last / 2), last])];
  const windows = offsets
    .map((offset) => [offset, secret.subarray(offset, offset + WINDOW)] as const)
    .filter(([, window]) => new Set(window).size >= MINIMUM_VARIETY)
    .map(([offset, window]) => windowAt(offset, window));
  WINDOWS.set(secret, windows);
  return windows;
}

function windowAt(offset: number, window: Uint8Array): Window {
  // Base64 depends on where in a group of three the bytes fall.
  const groups = [0, 1, 2].map((shift) => window.subarray(shift, shift + 9));
  return {
    text: latin1Of(window),
    texts: {
      utf8: new TextDecoder().decode(window),
      hex: hexOf(window),
      base64: groups.flatMap((group) => [base64Of(group), base64UrlOf(group)]),
    },
    lists: [window.join(','), Array.from(window, (byte, i) => `"${offset + i}":${byte}`).join(',')],
  };
}

/** Returns everything that a value shows: its inspection, JSON, text, and properties, with its chain of causes. */
export function textsOf(error: unknown): string[] {
  const texts = [inspectDeeply(error, true), stringify(error), textOf(error)];
  const seen = new Set<unknown>();
  for (let link = error; link !== undefined && link !== null && !seen.has(link); ) {
    seen.add(link);
    texts.push(...propertiesOf(link));
    link = (link as { cause?: unknown }).cause;
  }
  return texts;
}

/** Returns every property, hidden and inherited ones too. */
function propertiesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  const texts: string[] = [];
  // Up to Object.prototype, which may be another realm's: jest has its own.
  for (let owner = value; Object.getPrototypeOf(owner) !== null; ) {
    for (const name of Reflect.ownKeys(owner)) {
      if (name === 'cause' || name === 'constructor') continue;
      let property: unknown;
      try {
        property = Reflect.get(value, name);
      } catch {
        continue;
      }
      texts.push(typeof property === 'string' ? property : inspectDeeply(property));
    }
    owner = Object.getPrototypeOf(owner);
  }
  return texts;
}

function inspectDeeply(value: unknown, customInspect = false): string {
  const options = {
    depth: 6,
    showHidden: true,
    customInspect,
    maxArrayLength: null,
    maxStringLength: null,
  };
  return readable(() => inspect(value, options));
}

function stringify(value: unknown): string {
  return readable(() => JSON.stringify(value) ?? '');
}

function textOf(value: unknown): string {
  return readable(() => String(value));
}

/** Converts a value to text; a value that can't be converted shows nothing. */
function readable(show: () => string): string {
  try {
    return show();
  } catch {
    return '';
  }
}
