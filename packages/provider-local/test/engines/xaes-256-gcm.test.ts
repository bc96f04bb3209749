import { createHash } from 'node:crypto';
import { InvalidInputError, ProviderClosedError } from '@keywrap/core';
import { expect } from 'chai';
import fc from 'fast-check';
import { hex, loadVectors } from '../vectors/load.js';
import { ENGINES, ownsItsMemory, PAIRS, randomBytes } from './engines.js';

interface XaesFile {
  readonly vectors: readonly Record<
    'key' | 'nonceAscii' | 'plaintextAscii' | 'aadAscii' | 'ciphertext',
    string
  >[];
  readonly accumulated: { readonly after10000: string };
}

const file = loadVectors<XaesFile>('xaes-256-gcm.json');
const ascii = (text: string) => new TextEncoder().encode(text);
const NOTHING = new Uint8Array();

for (const engine of ENGINES) {
  describe(`XAES-256-GCM of the ${engine.name} engine`, () => {
    it('seals and opens the vectors of the specification', () => {
      for (const vector of file.vectors) {
        const key = engine.loadAesKey(hex(vector.key));
        const [nonce, aad] = [ascii(vector.nonceAscii), ascii(vector.aadAscii)];
        const sealed = key.seal(nonce, ascii(vector.plaintextAscii), aad);
        expect(sealed).to.deep.equal(hex(vector.ciphertext));
        expect(key.open(nonce, sealed, aad)).to.deep.equal(ascii(vector.plaintextAscii));
      }
    });

    it('passes the accumulated test of the specification, 10 000 iterations', () => {
      const random = shake128Stream();
      const digest = createHash('shake128', { outputLength: 32 });
      for (let i = 0; i < 10_000; i++) {
        const material = random(32);
        const nonce = random(24);
        const plaintext = random(random(1)[0] as number);
        const aad = random(random(1)[0] as number);
        const key = engine.loadAesKey(material);
        const sealed = key.seal(nonce, plaintext, aad);
        digest.update(sealed);
        expect(Buffer.compare(key.open(nonce, sealed, aad) ?? randomBytes(1), plaintext)).to.equal(
          0,
        );
        key.destroy();
      }
      expect(digest.digest('hex')).to.equal(file.accumulated.after10000);
    });

    it('does not open a blob with a bit flipped, a byte missing or a byte added', () => {
      const key = engine.loadAesKey(randomBytes(32));
      const [nonce, aad] = [randomBytes(24), randomBytes(7)];
      const sealed = key.seal(nonce, randomBytes(33), aad);
      for (let i = 0; i < sealed.length; i++) {
        const flipped = sealed.slice();
        flipped[i] = (flipped[i] as number) ^ (1 << (i % 8));
        expect(key.open(nonce, flipped, aad), `byte ${i} flipped`).to.equal(undefined);
        expect(key.open(nonce, sealed.slice(0, i), aad), `cut at ${i}`).to.equal(undefined);
        const without = Uint8Array.from([...sealed.slice(0, i), ...sealed.slice(i + 1)]);
        expect(key.open(nonce, without, aad), `without byte ${i}`).to.equal(undefined);
        const longer = Uint8Array.from([...sealed.slice(0, i), 0, ...sealed.slice(i)]);
        expect(key.open(nonce, longer, aad), `a byte more at ${i}`).to.equal(undefined);
      }
      expect(key.open(nonce, Uint8Array.of(...sealed, 0), aad)).to.equal(undefined);
    });

    it('does not open under another nonce, other additional data or another key', () => {
      const key = engine.loadAesKey(randomBytes(32));
      const [nonce, aad] = [randomBytes(24), randomBytes(7)];
      const sealed = key.seal(nonce, randomBytes(33), aad);
      for (let i = 0; i < nonce.length; i++) {
        const other = nonce.slice();
        other[i] = (other[i] as number) ^ 1;
        expect(key.open(other, sealed, aad), `nonce byte ${i}`).to.equal(undefined);
      }
      expect(key.open(nonce, sealed, NOTHING)).to.equal(undefined);
      expect(engine.loadAesKey(randomBytes(32)).open(nonce, sealed, aad)).to.equal(undefined);
    });

    it('returns new memory and leaves its input unchanged, even for views of a larger buffer', () => {
      const larger = randomBytes(200);
      const before = larger.slice();
      const [material, nonce] = [larger.subarray(1, 33), larger.subarray(40, 64)];
      const key = engine.loadAesKey(material);
      for (const length of [0, 1, 16, 100]) {
        const plaintext = larger.subarray(70, 70 + length);
        const sealed = key.seal(nonce, plaintext, larger.subarray(180));
        const opened = key.open(nonce, sealed, larger.subarray(180)) as Uint8Array;
        expect(sealed).to.have.length(length + 16);
        expect(opened).to.deep.equal(plaintext.slice());
        expect([sealed, opened].every(ownsItsMemory)).to.equal(true);
      }
      expect(larger).to.deep.equal(before);
    });

    it('does not depend on the material once it is loaded', () => {
      const material = randomBytes(32);
      const [key, twin] = [engine.loadAesKey(material), engine.loadAesKey(material)];
      const nonce = randomBytes(24);
      const sealed = key.seal(nonce, NOTHING, NOTHING);
      material.fill(0);
      key.destroy();
      expect(twin.open(nonce, sealed, NOTHING)).to.deep.equal(NOTHING);
    });

    it('rejects every call after destroy, which may be called twice', () => {
      const key = engine.loadAesKey(randomBytes(32));
      key.destroy();
      key.destroy();
      expect(() => key.seal(randomBytes(24), NOTHING, NOTHING)).to.throw(ProviderClosedError);
      expect(() => key.open(randomBytes(24), randomBytes(16), NOTHING)).to.throw(
        ProviderClosedError,
      );
    });

    it('rejects a key that is not 32 bytes and a nonce that is not 24', () => {
      for (const length of [0, 16, 31, 33]) {
        expect(() => engine.loadAesKey(randomBytes(length)))
          .to.throw(InvalidInputError)
          .with.property('field', 'keyMaterial');
      }
      const key = engine.loadAesKey(randomBytes(32));
      for (const length of [0, 12, 23, 25]) {
        expect(() => key.seal(randomBytes(length), NOTHING, NOTHING)).to.throw(InvalidInputError);
      }
    });
  });
}

describe('XAES-256-GCM between the engines', () => {
  const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });

  for (const { from, to } of PAIRS.filter((pair) => pair.from !== pair.to)) {
    it(`${to.name} opens what ${from.name} sealed`, () => {
      fc.assert(
        fc.property(
          bytes(32, 32),
          bytes(24, 24),
          bytes(0, 300),
          bytes(0, 300),
          (material, nonce, plaintext, aad) => {
            const sealed = from.loadAesKey(material).seal(nonce, plaintext, aad);
            const opened = to.loadAesKey(material).open(nonce, sealed, aad);
            return opened !== undefined && Buffer.compare(opened, plaintext) === 0;
          },
        ),
        { numRuns: 1000 },
      );
    });
  }
});

/** SHAKE-128 over nothing, read as a stream; 10 000 iterations take less than 6 MB. */
function shake128Stream(): (length: number) => Uint8Array {
  const stream = createHash('shake128', { outputLength: 6_000_000 }).digest();
  let offset = 0;
  return (length) => {
    offset += length;
    return new Uint8Array(stream.subarray(offset - length, offset));
  };
}
