import type { EncryptionContext } from '@keywrap/core';
import { engine } from '#engine';
import type { EncryptedDataKey } from '../format/header.js';
import type { ReadWrappingKey } from './wrapping-key.js';

// A data-key cache shares the data key of the first key. What the other keys made of it is shared here: none of it is
// secret. A data key is recognised by its hash, and not by its ciphertext: that is the first backend's word, and one that
// repeats it would have the other keys open nothing.

const MAXIMUM = 1000;

/** The wrapped data keys by the first one, the pairs and the other keys, the least recently used first. */
const known = new Map<string, readonly EncryptedDataKey[]>();

/**
 * Wraps a data key under other keys, unless that was done before.
 *
 * @param encryptionContext All pairs of the message.
 */
export async function wrapUnlessKnown(
  dataKey: Uint8Array,
  others: readonly ReadWrappingKey[],
  encryptionContext: EncryptionContext,
  wrap: () => Promise<readonly EncryptedDataKey[]>,
): Promise<readonly EncryptedDataKey[]> {
  // The first key may bind no pairs, so that messages with different pairs share its data key; the others bind them.
  const pairs = Object.entries(encryptionContext);
  const name = JSON.stringify([String(await engine.hash(dataKey)), pairs, ...others.map(nameOf)]);
  const wrapped = known.get(name) ?? (await wrap());
  known.delete(name);
  known.set(name, wrapped);
  for (const oldest of known.keys()) {
    if (known.size <= MAXIMUM) break;
    known.delete(oldest);
  }
  return wrapped;
}

function nameOf(key: ReadWrappingKey): readonly unknown[] {
  if (key.provider !== undefined) return [numberOf(key.provider), key.keyId];
  return [key.namespace, key.name, key.algorithm, String(key.publicKey)];
}

/** Tells providers apart, also those of one kind. */
const numbers = new WeakMap<object, number>();
let count = 0;

function numberOf(provider: object): number {
  const number = numbers.get(provider) ?? ++count;
  numbers.set(provider, number);
  return number;
}
