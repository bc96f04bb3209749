import { createContext, runInContext } from 'node:vm';
import { ownSecret, wipe } from '@keywrap/core';
import { expect } from 'chai';
import { copyBytes, isSharedMemory, isUint8Array, ownBytes } from '#dist/provider/bytes.js';

const inAnotherRealm = (code: string) => runInContext(code, createContext());

/** A slice of shared memory, such as that of Buffer's pool. */
function pooled(...values: number[]): { slice: Buffer; pool: Uint8Array } {
  const pool = new Uint8Array(64).fill(0xaa);
  const slice = Buffer.from(pool.buffer, 16, values.length);
  slice.set(values);
  return { slice, pool };
}

describe('isUint8Array', () => {
  it('knows Uint8Array, Buffer, subclasses and those of another realm', () => {
    class Mine extends Uint8Array {}
    const all = [new Uint8Array(1), Buffer.alloc(1), new Mine(1)];
    for (const value of [...all, inAnotherRealm('new Uint8Array(1)')]) {
      expect(isUint8Array(value)).to.equal(true);
    }
  });

  it('knows everything else, however it is dressed up', () => {
    const forged = Object.setPrototypeOf({ length: 1, 0: 1 }, Uint8Array.prototype);
    const tagged = { [Symbol.toStringTag]: 'Uint8Array' };
    for (const value of [
      undefined,
      null,
      'bytes',
      1,
      [1],
      new ArrayBuffer(1),
      new DataView(new ArrayBuffer(1)),
      new Uint8ClampedArray(1),
      new Int8Array(1),
      new Uint16Array(1),
      new Proxy(new Uint8Array(1), {}),
      Uint8Array.prototype,
      forged,
      tagged,
      { type: 'Buffer', data: [1] },
    ]) {
      expect(isUint8Array(value)).to.equal(false);
    }
  });
});

describe('copyBytes', () => {
  it('returns a plain Uint8Array that owns its memory', () => {
    const { slice } = pooled(1, 2, 3);
    const copy = copyBytes(slice);

    expect(copy).to.deep.equal(Uint8Array.of(1, 2, 3));
    expect(copy.buffer.byteLength).to.equal(3);
    slice.fill(9);
    expect(copy).to.deep.equal(Uint8Array.of(1, 2, 3));
  });

  it('is not fooled by a length that was overridden', () => {
    const bytes = Object.defineProperty(Uint8Array.of(1, 2), 'length', { value: 1000 });
    expect(copyBytes(bytes)).to.deep.equal(Uint8Array.of(1, 2));
  });
});

describe('ownBytes', () => {
  it('returns the array itself if it is plain and owns its memory', () => {
    const bytes = Uint8Array.of(1, 2);
    expect(ownBytes(bytes)).to.equal(bytes);
  });

  it('returns a plain view of the same memory for a Buffer that owns it', () => {
    const buffer = Buffer.allocUnsafeSlow(2);
    const own = ownBytes(buffer);
    expect(Object.getPrototypeOf(own)).to.equal(Uint8Array.prototype);
    expect(own.buffer).to.equal(buffer.buffer);
  });

  for (const [what, start, length] of [
    ['in the middle of', 4, 2],
    ['at the start of', 0, 2],
    ['at the end of', 6, 2],
  ] as const) {
    it(`copies a view ${what} larger memory`, () => {
      const own = ownBytes(new Uint8Array(new ArrayBuffer(8), start, length));
      expect([own.byteOffset, own.buffer.byteLength]).to.deep.equal([0, 2]);
    });
  }

  it('copies shared memory, which another thread could change', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(2));
    const own = ownBytes(shared);
    shared.fill(9);

    expect(isSharedMemory(shared)).to.equal(true);
    expect(isSharedMemory(own)).to.equal(false);
    expect(own).to.deep.equal(Uint8Array.of(0, 0));
  });
});

describe('ownSecret', () => {
  it('wipes the part of a pool that the secret was in, and only that', () => {
    const { slice, pool } = pooled(1, 2, 3);
    const own = ownSecret(slice);

    expect(own).to.deep.equal(Uint8Array.of(1, 2, 3));
    expect([...pool.subarray(15, 20)]).to.deep.equal([0xaa, 0, 0, 0, 0xaa]);
  });

  it('leaves a secret that is alone in its memory where it is', () => {
    const secret = Uint8Array.of(1, 2, 3);
    expect(ownSecret(secret)).to.equal(secret);
    expect(secret).to.deep.equal(Uint8Array.of(1, 2, 3));
  });
});

describe('wipe', () => {
  it('overwrites with zeros, and nothing else', () => {
    const { slice, pool } = pooled(1, 2, 3);
    wipe(slice);
    expect([...pool.subarray(15, 20)]).to.deep.equal([0xaa, 0, 0, 0, 0xaa]);
  });

  it('has nothing to do where the memory went to another thread', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    expect(() => wipe(bytes)).not.to.throw();
  });
});
