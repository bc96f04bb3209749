import fc from 'fast-check';
import { type Mutation, replaced } from './mutation.js';

const VALUES = 'null true 0 -1 1.5 1e999 "" "a" [] {} [[]] [null] {"a":0}'.split(' ');
const value = fc.constantFrom(...VALUES.map((text) => new Uint8Array(Buffer.from(text))));
/** Matches the text before a value, or before the name of a member. */
const BEGINNING = /(?<=[:[,{])["[{\w-]/;

/** Replaces one value in JSON by another, so that the result is still JSON. */
export const jsonMutation: fc.Arbitrary<Mutation> = fc.tuple(fc.nat(0xffff), value).map(
  ([at, other]): Mutation =>
    (bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      const from = at % (bytes.length + 1);
      const found = text.slice(from).search(BEGINNING);
      if (found === -1) return bytes;
      const end = endOf(text, from + found);
      // The name of a member keeps its place, and its value is changed.
      const start = text[end] === ':' ? end + 1 : from + found;
      return replaced(bytes, start, endOf(text, start) - start, other);
    },
);

/** Returns the end of text that looks like a value. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at] as string;
    if (depth === 0 && ',:]}\n'.includes(character)) return at;
    if (character === '"') at = closingQuote(text, at);
    else if ('[{'.includes(character)) depth += 1;
    else if (']}'.includes(character)) depth -= 1;
  }
  return text.length;
}

function closingQuote(text: string, start: number): number {
  const length = /^"(?:[^"\\]|\\.)*/s.exec(text.slice(start))?.[0].length ?? 0;
  return start + length;
}
