import { randomBytes, type ScryptOptions, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { InvalidInputError, UnsupportedOperationError, wipe } from '@keywrap/core';

// scrypt (RFC 7914) and not Argon2id: Node 20 has no Argon2 of its own, and one in JavaScript takes
// several times as long as an attacker's, so that the same patience would buy less protection.

const derive = promisify(
  scrypt as (
    passphrase: Uint8Array,
    salt: Uint8Array,
    length: number,
    options: ScryptOptions,
    callback: (error: Error | null, derived: Buffer) => void,
  ) => void,
);

/** How much work and memory a guess at the passphrase takes (RFC 7914 §2). */
export interface ScryptCost {
  /** N: a power of two, from 2 to 2^22. */
  readonly cost: number;
  /** r: 1 to 32. The memory is 128 * N * r bytes, at most 1 GiB. */
  readonly blockSize: number;
  /** p: 1 to 16. */
  readonly parallelization: number;
}

/** As it is stored: everything but the passphrase. */
export interface Scrypt extends ScryptCost {
  /** 16 random bytes, in base64. */
  readonly salt: string;
}

/**
 * 128 MiB and, on a small server, about half a second: the first of the settings in
 * [OWASP's list](https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt).
 */
const DEFAULT_COST: ScryptCost = { cost: 2 ** 17, blockSize: 8, parallelization: 1 };
const MAXIMUM_MEMORY = 2 ** 30;

/** Settings for a new passphrase, with a fresh salt. @throws {@link InvalidInputError} */
export function newScrypt(cost: ScryptCost = DEFAULT_COST): Scrypt {
  if (!isSensible(cost)) {
    throw new InvalidInputError(
      'scrypt',
      'must have a cost that is a power of two up to 2^22, a blockSize of 1 to 32 and a parallelization of 1 to 16, and take at most 1 GiB',
    );
  }
  const { cost: N, blockSize, parallelization } = cost;
  return { cost: N, blockSize, parallelization, salt: randomBytes(16).toString('base64') };
}

/**
 * Derives a 32-byte key. Takes long, on the thread pool.
 *
 * @throws {@link InvalidInputError} for an empty passphrase, and {@link UnsupportedOperationError} for
 * settings beyond the limits: whoever can change the file could otherwise exhaust the memory.
 */
export async function deriveFromPassphrase(
  passphrase: string | Uint8Array,
  { salt, cost, blockSize, parallelization }: Scrypt,
): Promise<Uint8Array> {
  if (passphrase.length === 0) throw new InvalidInputError('passphrase', 'must not be empty');
  if (!isSensible({ cost, blockSize, parallelization })) {
    throw new UnsupportedOperationError(
      'the scrypt settings of this key store are beyond the limits: its manifest was changed',
    );
  }
  // NFC, as RFC 8265 §4.2.2 has it: the same passphrase, whatever keyboard it was typed on.
  const secret = Buffer.from(
    typeof passphrase === 'string' ? passphrase.normalize('NFC') : passphrase,
  );
  try {
    const maxmem = 128 * cost * blockSize + 128 * blockSize * parallelization + 1024 * 1024;
    const options = { cost, blockSize, parallelization, maxmem };
    return await derive(secret, Buffer.from(salt, 'base64'), 32, options);
  } finally {
    wipe(secret);
  }
}

function isSensible({ cost, blockSize, parallelization }: ScryptCost): boolean {
  const isWithin = (value: number, minimum: number, maximum: number) =>
    Number.isInteger(value) && value >= minimum && value <= maximum;
  return (
    isWithin(cost, 2, 2 ** 22) &&
    Number.isInteger(Math.log2(cost)) &&
    isWithin(blockSize, 1, 32) &&
    isWithin(parallelization, 1, 16) &&
    128 * cost * blockSize <= MAXIMUM_MEMORY
  );
}
