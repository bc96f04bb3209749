import fc from 'fast-check';
import { type Mutation, replaced } from './mutation.js';

const VALUES = 'null true 0 -1 1.5 1e999 "" "a" [] {} [[]] [null] {"a":0}'.split(' ');
const value = fc.constantFrom(...VALUES.map((text) => new Uint8Array(Buffer.from(text))));
/** What stands before the first character of a value, or of the name of a member. */
const BEGINNING = /(?<=[:[,{])["[{\w-]/;

/** Puts another value in the place of one in JSON, wherever that stands, and what is left is JSON still. */
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

/** Where what looks like a value ends. */
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
