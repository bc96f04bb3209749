import { everyOperation } from './caches.js';
import { type Mutant, wrapped } from './mutant.js';
import type { Input } from './uses.js';

// What a provider that implements the interface itself may do with its input. Core copies input for every driver, so these
// are wrong in a way that no driver can be. Each is wrong in all operations; the cases are one for each.

const later = () => new Promise((resolve) => setTimeout(resolve, 2));

const isBytes = (value: unknown) => value instanceof Uint8Array;

/** A copy of an input that shares what is inside: its bytes, or its sides and contexts. */
function shallow(input: Input, isShared: (value: unknown) => boolean): Input {
  const copy = (value: Input): Input => {
    if (typeof value !== 'object' || value === null || isShared(value)) return value;
    if (isBytes(value)) return value.slice();
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, copy(each)]));
  };
  if (typeof input !== 'object' || input === null) return input;
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, copy(value)]));
}

const late = (what: string, isShared: (value: unknown) => boolean): Mutant =>
  everyOperation(`reads ${what} late`, 'input-copied', (inner, operation) => {
    return async (input, options) => {
      const copy = shallow(input, isShared);
      await later();
      return inner[operation](copy, options);
    };
  });

const touching = (what: string, touch: (input: Input) => void): Mutant =>
  everyOperation(`${what} its input`, 'input-copied', (inner, operation) => {
    return async (input, options) => {
      const result = await inner[operation](input, options);
      touch(input);
      return result;
    };
  });

function sides(input: Input): Input[] {
  return [input, input.source, input.destination].filter((each) => each?.encryptionContext);
}

export const uncopiedMutants: readonly Mutant[] = [
  everyOperation('reads its input late', 'input-copied', (inner, operation) => {
    return async (input, options) => {
      await later();
      return inner[operation](input, options);
    };
  }),
  everyOperation('reads its input late when it waits', 'input-copied', (inner, operation) => {
    let inFlight = 0;
    return async (input, options) => {
      if (++inFlight > 8) await undefined;
      return inner[operation](input, options).finally(() => inFlight--);
    };
  }),
  wrapped('keeps the pairs of a context object', 'input-copied', (inner) => {
    const known = new WeakMap<object, object>();
    const kept = (input: Input) => {
      const { encryptionContext } = input ?? {};
      if (typeof encryptionContext !== 'object' || encryptionContext === null) return input;
      const pairs = known.get(encryptionContext) ?? { ...encryptionContext };
      known.set(encryptionContext, pairs);
      return { ...input, encryptionContext: pairs };
    };
    return {
      encrypt: (input, options) => inner.encrypt(kept(input), options),
      decrypt: (input, options) => inner.decrypt(kept(input), options),
    };
  }),
  late('the bytes of its input', isBytes),
  late('what is nested in its input', (value) => !isBytes(value)),
  touching('writes into', (input) => {
    input.seen = true;
  }),
  touching('wipes', ({ plaintext, ciphertext }) => {
    plaintext?.fill(0);
    ciphertext?.fill(0);
  }),
  touching('adds to the context of', (input) => {
    for (const { encryptionContext } of sides(input)) encryptionContext.seen = 'yes';
  }),
  touching('sorts the context of', (input) => {
    for (const { encryptionContext } of sides(input)) {
      for (const name of Object.keys(encryptionContext).sort()) {
        const value = encryptionContext[name];
        delete encryptionContext[name];
        encryptionContext[name] = value;
      }
    }
  }),
];
