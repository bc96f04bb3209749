import type { KeyWrapError } from '@keywrap/core';
import { check } from './expect.js';

/** Fields that may differ between calls without revealing anything about the ciphertext. */
const UNTELLING = ['requestId', 'stack', 'cause', 'keyId'];

/** The most causes of an error that are compared. */
const DEEPEST = 5;

const isPlain = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);

/** Returns what a caller can read in an error. */
function tellingOf(error: KeyWrapError): Map<string, unknown> {
  const { name, message, requestId } = error;
  const told = requestId ? message.replaceAll(requestId, '') : message;
  const own = Object.entries(error).filter(
    ([key, value]) => !UNTELLING.includes(key) && isPlain(value),
  );
  return new Map([...own, ['name', name], ['message', told]]);
}

/** Returns that, and what whoever reads the log sees: which details there are, and the causes. */
function tellingThroughout(error: KeyWrapError): Map<string, unknown> {
  const told = tellingOf(error);
  for (const name of UNTELLING) told.set(`type of ${name}`, typeof Reflect.get(error, name));
  let link = error.cause as Record<string, unknown> | undefined;
  for (let depth = 1; depth <= DEEPEST; depth++) {
    const isObject = typeof link === 'object' && link !== null;
    told.set(`type of cause ${depth}`, isObject ? link?.constructor?.name : String(link));
    if (!isObject) break;
    const names = new Set([...Object.keys(link ?? {}), 'name', 'message', 'code']);
    for (const name of names) {
      const value = link?.[name];
      if (isPlain(value) && name !== 'stack') told.set(`${name} of cause ${depth}`, value);
    }
    link = link?.cause as typeof link;
  }
  return told;
}

/**
 * Fails the case unless all errors are the same. The first and the last concern the same ciphertext: what differs
 * between them, such as a time or a trace id, reveals nothing about it.
 *
 * @param throughout Compares the causes too, and which details there are. Only for ciphertexts whose difference nobody
 * can see: what is malformed for all to see may be rejected earlier.
 */
export function expectAlike(errors: readonly KeyWrapError[], throughout = false): void {
  const told = errors.map(throughout ? tellingThroughout : tellingOf);
  const [first, last] = [told[0], told.at(-1)];
  const names = new Set(told.flatMap((each) => [...each.keys()]));
  for (const name of names) {
    if (name !== 'message' && first?.get(name) !== last?.get(name)) continue;
    const values = new Set(told.map((each) => String(each.get(name))));
    check(
      values.size === 1,
      `the same ${name} for every kind of damage`,
      `${values.size}: ${[...values].map((value) => JSON.stringify(value)).join(', ')}`,
    );
  }
}
