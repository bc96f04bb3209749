import type { EncryptionContext } from '@keywrap/core';
import { check, sameBytes } from '../expect.js';
import type { Dice } from './dice.js';

/** Input that is lent to a call: it may be wiped when the call has returned its promise, and must not be changed. */
export interface Lent<T> {
  readonly value: T;
  /** Wipes it now and then. */
  returned(): void;
  /** Fails the case if the call changed it. */
  settled(): void;
}

const MARGINS = [0, 0, 5, 32];

/** Lends bytes: in memory of their own, as a part of a larger array, or as a `Buffer` where there is one. */
export function lendBytes(dice: Dice, bytes: Uint8Array): Lent<Uint8Array> {
  const margin = dice.pick(MARGINS);
  const room = new Uint8Array(bytes.length + 2 * margin).fill(0xa5);
  room.set(bytes, margin);
  const before = room.slice();
  const { Buffer: NodeBuffer } = globalThis as { Buffer?: typeof Buffer };
  const isBuffer = NodeBuffer !== undefined && dice.once(3);
  const [from, to] = [margin, margin + bytes.length];
  let isWiped = false;
  return {
    value: isBuffer ? NodeBuffer.from(room.buffer, margin, bytes.length) : room.subarray(from, to),
    returned() {
      isWiped = dice.once(2);
      if (isWiped) room.fill(0);
    },
    settled() {
      check(isWiped || sameBytes(room, before), 'input that stays as it is', 'changed bytes');
    },
  };
}

/** Lends a context, with its pairs in any order. */
export function lendContext(
  dice: Dice,
  context: EncryptionContext | undefined,
): Lent<EncryptionContext | undefined> {
  if (context === undefined) return { value: undefined, returned() {}, settled() {} };
  const pairs = Object.entries(context);
  const value: Record<string, string> = Object.fromEntries(
    dice.once(2) ? pairs.toReversed() : pairs,
  );
  const before = JSON.stringify(value);
  const isFrozen = dice.once(4);
  if (isFrozen) Object.freeze(value);
  let isCleared = false;
  return {
    value,
    returned() {
      isCleared = !isFrozen && Object.isExtensible(value) && dice.once(2);
      if (!isCleared) return;
      for (const name of Object.keys(value)) delete value[name];
    },
    settled() {
      const isSame = isCleared || JSON.stringify(value) === before;
      check(
        isSame && Object.isExtensible(value) === !isFrozen,
        'a context that stays as it is',
        isSame ? 'a frozen one' : 'another one',
      );
    },
  };
}
