import { latin1Of } from './bytes.js';

// A short part of a secret occurs in a long text by chance, so a leak of six bytes is one that occurs again with other
// secrets: the callers of this try three.

const LENGTH = 6;

/** Turns everything in a text that could be bytes in one notation into these bytes, as text. */
type Decoder = (text: string) => readonly string[];

const NOTATIONS: readonly (readonly [notation: string, decode: Decoder])[] = [
  ['as text', (text) => [text, text.replace(/\s/g, '')]],
  ['in hexadecimal', hexadecimalIn],
  ['in base64', base64In],
  ['in decimal', decimalIn],
];

/** Returns the notation in which a text shows six consecutive bytes of a secret, if it does. */
export function partShown(text: string, secret: Uint8Array): string | undefined {
  const parts = new Set<string>();
  const whole = latin1Of(secret);
  for (let i = 0; i + LENGTH <= whole.length; i++) {
    const part = whole.slice(i, i + LENGTH);
    if (new Set(part).size >= LENGTH - 2) parts.add(part);
  }
  const isShown = (bytes: string) => {
    for (let i = 0; i + LENGTH <= bytes.length; i++) {
      if (parts.has(bytes.slice(i, i + LENGTH))) return true;
    }
    return false;
  };
  return NOTATIONS.find(([, decode]) => decode(text).some(isShown))?.[0];
}

/** Pairs of digits with or without separators and prefixes: `4142`, `41:42`, `0x41, 0x42`, `\x41\x42`, `%41%42`. */
function hexadecimalIn(text: string): string[] {
  const plain = text.replace(/0x|\\x|\\u00/gi, ' ');
  const runs = plain.match(/[0-9a-f]{2}(?:[^0-9a-z]{0,3}[0-9a-f]{2}){5,}/gi) ?? [];
  return runs.flatMap((run) => {
    const digits = run.replace(/[^0-9a-f]/gi, '');
    // The first digit may belong to something else.
    return [digits, digits.slice(1)].map((each) =>
      (each.match(/../g) ?? [])
        .map((pair) => String.fromCharCode(Number.parseInt(pair, 16)))
        .join(''),
    );
  });
}

/** Both alphabets, from each of the four digits on with which a group can begin. */
function base64In(text: string): string[] {
  const runs =
    text
      .replace(/-/g, '+')
      .replace(/_/g, '/')
      .match(/[A-Za-z0-9+/]{8,}/g) ?? [];
  return runs.flatMap((run) =>
    [0, 1, 2, 3].map((shift) =>
      atob(run.slice(shift, shift + 4 * Math.floor((run.length - shift) / 4))),
    ),
  );
}

/** Lists of bytes, with or without their indexes between them, and one large number. */
function decimalIn(text: string): string[] {
  const numbers = (text.match(/\d+/g) ?? []).map(Number).map((each) => (each < 256 ? each : 0));
  const every = (step: number, from: number) =>
    String.fromCharCode.apply(
      undefined,
      numbers.filter((_, i) => i % step === from).slice(0, 50_000),
    );
  const large = (text.match(/\d{14,1000}/g) ?? []).map((digits) => {
    const hex = BigInt(digits).toString(16);
    return hexadecimalIn(hex.length % 2 === 0 ? hex : `0${hex}`).join();
  });
  return [every(1, 0), every(2, 0), every(2, 1), ...large];
}
