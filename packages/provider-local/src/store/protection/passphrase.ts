import { type ScryptOptions, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { copyBytes, InvalidInputError, newSecret, ownSecret, wipe } from '@keywrap/core';

// scrypt (RFC 7914) and not Argon2id: Node 20 has no built-in Argon2, and one in JavaScript is several times
// slower than an attacker's, so the same wait would buy less protection.

const derive = promisify(
  scrypt as (
    passphrase: Uint8Array,
    salt: Uint8Array,
    length: number,
    options: ScryptOptions,
    callback: (error: Error | null, derived: Buffer) => void,
  ) => void,
);

/**
 * The work and memory that a guess at a passphrase takes: the parameters of scrypt (RFC 7914 §2). The
 * memory is 128 * cost * blockSize bytes: at least 16 MiB, at most 512 MiB.
 */
export interface ScryptCost {
  /** N: a power of two, at least 2^14. */
  readonly cost: number;
  /** r: 8 to 32. */
  readonly blockSize: number;
  /** p: 1 to 16; cost * blockSize * parallelization is at most 2^22. */
  readonly parallelization: number;
}

/**
 * 128 MiB and, on a small server, about half a second: the first of the settings in
 * [OWASP's list](https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt).
 */
export const DEFAULT_COST: ScryptCost = { cost: 2 ** 17, blockSize: 8, parallelization: 1 };

/** For messages: the bounds that {@link isAcceptableCost} checks. */
export const ACCEPTABLE_COST =
  'a cost that is a power of two from 2^14, a blockSize of 8 to 32 and a parallelization of 1 to 16, whose product is at most 2^22';

/** 8 is the block size that RFC 7914 §2 recommends. */
const BLOCK_SIZE = { minimum: 8, maximum: 32 } as const;
/** The setting for interactive logins in Percival's [paper](https://www.tarsnap.com/scrypt/scrypt.pdf) (§6). */
const MINIMUM_COST = 2 ** 14;
const MAXIMUM_PARALLELIZATION = 16;
/** Four times the default: about two seconds, and at most 512 MiB. */
const MAXIMUM_WORK = 2 ** 22;

/**
 * Tells whether the cost is within bounds. Checked before every derivation, because an attacker may be able
 * to change the stored parameters: a low cost would make guesses cheap, and a high one would exhaust the
 * memory of the process that opens the store.
 */
export function isAcceptableCost({ cost, blockSize, parallelization }: ScryptCost): boolean {
  return (
    isWithin(cost, MINIMUM_COST, MAXIMUM_WORK) &&
    Number.isInteger(Math.log2(cost)) &&
    isWithin(blockSize, BLOCK_SIZE.minimum, BLOCK_SIZE.maximum) &&
    isWithin(parallelization, 1, MAXIMUM_PARALLELIZATION) &&
    cost * blockSize * parallelization <= MAXIMUM_WORK
  );
}

/**
 * Derives 32 bytes from a passphrase, on the thread pool.
 *
 * @param passphrase From {@link passphraseBytes}; not changed, not kept.
 * @param cost Acceptable, see {@link isAcceptableCost}.
 */
export async function deriveFromPassphrase(
  passphrase: Uint8Array,
  salt: Uint8Array,
  { cost, blockSize, parallelization }: ScryptCost,
): Promise<Uint8Array> {
  const maxmem = 128 * cost * blockSize + 128 * blockSize * parallelization + 1024 * 1024;
  const options = { cost, blockSize, parallelization, maxmem };
  return ownSecret(await derive(passphrase, salt, 32, options));
}

/**
 * Returns the bytes of a passphrase; the caller wipes them. Text is normalised to NFC (RFC 8265 §4.2.2), so
 * that a passphrase is the same from every keyboard.
 *
 * @throws {@link InvalidInputError} if it is empty, or text that was decoded from bytes that are not text: a
 * lone surrogate or U+FFFD, which replaces many different bytes.
 */
export function passphraseBytes(passphrase: string | Uint8Array): Uint8Array {
  if (passphrase.length === 0) throw new InvalidInputError('passphrase', 'must not be empty');
  if (typeof passphrase !== 'string') return copyBytes(passphrase);
  if (!passphrase.isWellFormed() || passphrase.includes('\ufffd')) {
    throw new InvalidInputError(
      'passphrase',
      'is not text: it contains U+FFFD or half a surrogate pair; pass its bytes instead, or keep it in a file',
    );
  }
  const encoded = new TextEncoder().encode(passphrase.normalize('NFC'));
  const bytes = newSecret(encoded.length);
  bytes.set(encoded);
  wipe(encoded);
  return bytes;
}

function isWithin(value: number, minimum: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= minimum && value <= maximum;
}
