import { isObject } from './shapes.js';

/** A member with an encryption context: an object without others inside. */
const CONTEXT = /("\w*EncryptionContext"\s*:\s*\{)((?:[^"{}]|"(?:[^"\\]|\\.)*")*)(?=\})/g;

/** A string or, outside of strings, a number. */
const NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/**
 * Parses JSON. A number in an encryption context becomes a string of the characters that the request has:
 * JSON.parse would turn 1.0 into 1, and round a long one, and the context is bound to the text.
 *
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const json: unknown = JSON.parse(text);
  if (!isObject(json) || !Object.values(json).some(hasNumber)) return json;
  const quote = (token: string) => (token.startsWith('"') ? token : `"${token}"`);
  return JSON.parse(
    text.replace(CONTEXT, (_, start: string, members: string) => {
      return start + members.replace(NUMBER, quote);
    }),
  );
}

function hasNumber(value: unknown): boolean {
  return isObject(value) && Object.values(value).some((item) => typeof item === 'number');
}
