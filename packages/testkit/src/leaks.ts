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
  for (const [offset, window] of secrets.flatMap(windowsOf)) {
    const text = latin1Of(window);
    if (isPublic(text)) continue;
    if (exact.includes(text)) return 'as text';
    if (exact.includes(new TextDecoder().decode(window))) return 'as text';
    if (lower.includes(hexOf(window))) return 'in hexadecimal';
    // Base64 depends on where in a group of three the bytes fall.
    for (const shift of [0, 1, 2]) {
      const group = window.subarray(shift, shift + 9);
      if (compact.includes(base64Of(group))) return 'in base64';
      if (compact.includes(base64UrlOf(group))) return 'in base64url';
    }
    if (compact.includes(window.join(','))) return 'as a list of bytes';
    const indexed = Array.from(window, (byte, i) => `"${offset + i}":${byte}`).join(',');
    if (compact.includes(indexed)) return 'as a list of bytes';
  }
  return undefined;
}

/** Returns windows at the beginning, in the middle and at the end. */
function windowsOf(secret: Uint8Array): (readonly [offset: number, window: Uint8Array])[] {
  const last = secret.length - WINDOW;
  if (last < 0) return [];
  const offsets = new Set([0, Math.floor(last / 2), last]);
  return [...offsets]
    .map((offset) => [offset, secret.subarray(offset, offset + WINDOW)] as const)
    .filter(([, window]) => new Set(window).size >= MINIMUM_VARIETY);
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
