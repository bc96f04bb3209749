import { type EncryptionContext, type KeyWrapErrorCode, limitOf } from '@keywrap/core';
import { joinBytes } from '../bytes.js';
import { flip, insert, remove } from '../damage.js';
import { sameBytes, wrongKeyCode } from '../expect.js';
import type { Made, World, WorldKey } from './world.js';

/** Which key a call names, with which context and ciphertext: what made it, or something wrong. */
interface Opening {
  readonly named: WorldKey | undefined;
  readonly ciphertext: Uint8Array;
  readonly encryptionContext: EncryptionContext | undefined;
  readonly codes: KeyWrapErrorCode[];
}

/** Picks how to open what was made: rightly, or under another key or context, or damaged. */
export function pickOpening(world: World, made: Made): Opening {
  const { dice } = world;
  const { key } = made;
  const isSymmetric = key.kind === 'SYMMETRIC_DEFAULT';
  const mayOmit = isSymmetric && world.capabilities.keyIdFromCiphertext;
  let named = mayOmit && dice.once(3) ? undefined : key;
  let { ciphertext, encryptionContext } = made;
  if (isSymmetric && world.contexts.length > 0 && sameContext(encryptionContext, {})) {
    // It may be left out.
    encryptionContext = dice.pick([undefined, {}]);
  }
  const wrong: KeyWrapErrorCode[] = [];
  switch (dice.below(10)) {
    case 0:
      named = dice.pick(world.keys.filter(({ kind }) => kind === key.kind));
      break;
    case 1: {
      const other = world.pickContext(key);
      if (isSymmetric && !sameContext(other, encryptionContext)) {
        encryptionContext = other;
        wrong.push('INVALID_CIPHERTEXT');
      }
      break;
    }
    case 2:
    case 3: {
      const damaged = damage(world, made);
      if (damaged === undefined) break;
      ciphertext = damaged;
      wrong.push('INVALID_CIPHERTEXT');
      // A damaged name may be that of another key, or of none; other cases look at each byte.
      if (named === undefined) wrong.push('ACCESS_DENIED');
      else if (isSymmetric) wrong.push(wrongKeyCode(world.context.provider));
    }
  }
  const forbidden = world.forbidsOpening(made, named);
  // A key that must not be used does not tell whether the ciphertext is intact; its form tells everybody.
  const isSilent = named === key && forbidden.length > 0 && ciphertext === made.ciphertext;
  const codes = isSilent ? forbidden : [...forbidden, ...wrong];
  return { named, ciphertext, encryptionContext, codes };
}

const sameContext = (one: EncryptionContext = {}, other: EncryptionContext = {}) =>
  JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

/** Changes a ciphertext somewhere; returns `undefined` if that would be another ciphertext of the key. */
function damage(world: World, { key, ciphertext }: Made): Uint8Array | undefined {
  const { dice } = world;
  const { length } = ciphertext;
  const limit = limitOf(world.capabilities, 'ciphertext');
  switch (dice.below(4)) {
    case 0: {
      const start = dice.below(length);
      // An RSA ciphertext that has lost only what is before it opens.
      return key.kind === 'RSA_2048' ? flip(ciphertext) : remove(ciphertext, start, 1);
    }
    case 1:
      if (length === limit || key.kind === 'RSA_2048') return undefined;
      return insert(ciphertext, Uint8Array.of(dice.below(256)), dice.below(length + 1));
    case 2: {
      const all = world.made.filter(
        (each) => each.key === key && each.ciphertext.length === length,
      );
      const other = dice.pick(all).ciphertext;
      const middle = 1 + dice.below(length - 1);
      const [first, last] = [ciphertext.subarray(0, middle), other.subarray(middle)];
      const isDamage =
        !sameBytes(first, other.subarray(0, middle)) &&
        !sameBytes(last, ciphertext.subarray(middle));
      return isDamage ? joinBytes(first, last) : undefined;
    }
    default:
      return flip(ciphertext, dice.below(length), 1 << dice.below(8));
  }
}
