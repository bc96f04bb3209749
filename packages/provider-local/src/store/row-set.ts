import { DamagedStoreError } from './errors.js';
import type { Table } from './schema.js';

const SUM_LENGTH = 32;
const MODULUS = 1n << 256n;

/**
 * A set hash of the rows of a store, in 48 bytes: MSet-Add-Hash (Clarke, Devadas, van Dijk, Gassend, Suh:
 * Incremental Multiset Hash Functions and Their Application to Memory Integrity Checking, ASIACRYPT
 * 2003), the sum of a keyed hash of each row modulo 2^256, and the number of rows. The cost of a change does
 * not depend on the number of rows. The paper masks the sum with a random number to hide it; here it is
 * sealed instead.
 */
export class RowSet {
  sum: bigint;
  keys: number;
  aliases: number;

  constructor(sum = 0n, keys = 0, aliases = 0) {
    this.sum = sum;
    this.keys = keys;
    this.aliases = aliases;
  }

  add({ name }: Table, hash: bigint): void {
    this.sum = (this.sum + hash) % MODULUS;
    this[name]++;
  }

  remove({ name }: Table, hash: bigint): void {
    this.sum = (this.sum - hash + MODULUS) % MODULUS;
    this[name]--;
  }

  encode(): Uint8Array {
    const bytes = Buffer.alloc(SUM_LENGTH + 16);
    bytes.write(this.sum.toString(16).padStart(2 * SUM_LENGTH, '0'), 'hex');
    bytes.writeBigInt64BE(BigInt(this.keys), SUM_LENGTH);
    bytes.writeBigInt64BE(BigInt(this.aliases), SUM_LENGTH + 8);
    return bytes;
  }

  /** @throws {@link DamagedStoreError} for anything that {@link encode} does not write. */
  static decode(location: string, bytes: Uint8Array): RowSet {
    if (bytes.length !== SUM_LENGTH + 16) {
      throw new DamagedStoreError(location, 'has a store row of the wrong length');
    }
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const sum = BigInt(`0x${buffer.toString('hex', 0, SUM_LENGTH)}`);
    const count = (offset: number) => Number(buffer.readBigInt64BE(offset));
    return new RowSet(sum, count(SUM_LENGTH), count(SUM_LENGTH + 8));
  }
}
