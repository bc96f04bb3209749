import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { DataKey, DataKeyPair, DecryptResult, ProviderClosedError } from '@keywrap/core';
import { expect } from 'chai';
import { expectThrown } from './support/failures.js';

const keyId = 'arn:aws:kms:eu-west-1:111122223333:key/orders';
// Text that nothing else holds, to look for in every spelling.
const SECRET = 'sixteen-secret-b';
const secret = () => new TextEncoder().encode(SECRET);

const RESULTS = {
  DecryptResult: {
    make: (bytes: Uint8Array) =>
      new DecryptResult({ plaintext: bytes, keyId, algorithm: 'SYMMETRIC_DEFAULT' }),
    read: (result: object) => (result as DecryptResult).plaintext,
    shown: { keyId, algorithm: 'SYMMETRIC_DEFAULT' },
  },
  DataKey: {
    make: (bytes: Uint8Array) =>
      new DataKey({ plaintext: bytes, ciphertext: Uint8Array.of(9), keyId }),
    read: (result: object) => (result as DataKey).plaintext,
    shown: { keyId, ciphertext: Uint8Array.of(9) },
  },
  DataKeyPair: {
    make: (bytes: Uint8Array) =>
      new DataKeyPair({
        privateKey: bytes,
        publicKey: Uint8Array.of(7),
        privateKeyCiphertext: Uint8Array.of(9),
        keyPairSpec: 'ECC_NIST_P256',
        keyId,
      }),
    read: (result: object) => (result as DataKeyPair).privateKey,
    shown: {
      keyId,
      keyPairSpec: 'ECC_NIST_P256',
      publicKey: Uint8Array.of(7),
      privateKeyCiphertext: Uint8Array.of(9),
    },
  },
};

/** The ways in which bytes end up in a log. */
function spellings(text: string): string[] {
  const bytes = Buffer.from(text);
  return [
    text,
    bytes.toString('hex'),
    bytes.toString('base64'),
    [...bytes].join(','),
    [...bytes].join(', '),
    `"0":${bytes[0]},"1":${bytes[1]}`,
    inspect(bytes).replace(/^<Buffer |>$/g, ''),
  ];
}

function logged(value: unknown): string {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const log = new Console({ stdout: stream, stderr: stream });
  log.log(value);
  log.log({ nested: { value } });
  log.log('%o %O %j %s', value, value, value, value);
  log.dir(value, { depth: null, showHidden: true });
  log.table([value]);
  return text;
}

for (const [name, { make, read, shown }] of Object.entries(RESULTS)) {
  describe(name, () => {
    it('returns the secret and the public fields', () => {
      const result = make(secret());
      expect(read(result)).to.deep.equal(secret());
      for (const [field, value] of Object.entries(shown)) {
        expect(result).to.have.deep.property(field, value);
      }
    });

    for (const [way, show] of [
      ['console.log, dir and table', logged],
      ['util.inspect', (value: unknown) => inspect(value)],
      [
        'util.inspect of everything hidden, at any depth',
        (value: unknown) => inspect(value, { showHidden: true, depth: Number.POSITIVE_INFINITY }),
      ],
      [
        'util.inspect past the custom inspection',
        (value: unknown) => inspect(value, { customInspect: false, showHidden: true, depth: null }),
      ],
      ['JSON.stringify', (value: unknown) => JSON.stringify(value)],
      ['JSON.stringify of what holds it', (value: unknown) => JSON.stringify({ a: [value] })],
      ['String()', (value: unknown) => String(value)],
      ['a template', (value: unknown) => `${value}`],
      ['Object.entries', (value: object) => inspect(Object.entries(value))],
      ['all own properties', (value: object) => inspect(Object.getOwnPropertyDescriptors(value))],
      ['a spread copy', (value: object) => inspect({ ...value })],
      ['structuredClone', (value: object) => inspect(structuredClone(value))],
    ] as const) {
      it(`does not show the secret through ${way}`, () => {
        const text = show(make(secret()));
        for (const spelling of spellings(SECRET)) expect(text).not.to.include(spelling);
        expect(text).not.to.be.empty;
      });
    }

    it('is recognised by the search that the tests above rely on', () => {
      const text = logged(secret()) + logged(Buffer.from(SECRET)) + JSON.stringify(secret());
      const found = spellings(SECRET).filter((spelling) => text.includes(spelling));
      expect(found).to.have.length.of.at.least(3);
    });

    it('shows its name and everything else when it is inspected, and in JSON', () => {
      const result = make(secret());
      expect(inspect(result)).to.match(new RegExp(`^${name} \\{\\s+keyId: '${keyId}'`));
      expect(JSON.parse(JSON.stringify(result))).to.deep.equal(JSON.parse(JSON.stringify(shown)));
    });

    it('takes ownership of the array, and wipes the one that it returned', () => {
      const result = make(secret());
      const handedOut = read(result);
      result[Symbol.dispose]();
      expect(handedOut).to.deep.equal(new Uint8Array(16));
    });

    it('wipes the part of the pool that the secret came in', () => {
      const pool = Buffer.alloc(64, 0xaa);
      const slice = pool.subarray(8, 24);
      slice.set(secret());
      const result = make(slice);

      expect(slice.every((byte) => byte === 0)).to.equal(true);
      expect(pool.filter((byte) => byte === 0xaa)).to.have.length(48);
      expect(read(result)).to.deep.equal(secret());
      expect([read(result).byteOffset, read(result).buffer.byteLength]).to.deep.equal([0, 16]);
      expect(Object.getPrototypeOf(read(result))).to.equal(Uint8Array.prototype);
    });

    it('throws after it was disposed, instead of returning zeros (CLOSED)', () => {
      const result = make(secret());
      result[Symbol.dispose]();

      expectThrown(() => read(result), ProviderClosedError, { code: 'CLOSED' });
      expect(result.keyId).to.equal(keyId);
      expect(inspect(result)).to.include(keyId);
    });

    it('can be disposed twice', () => {
      const result = make(secret());
      result[Symbol.dispose]();
      expect(() => result[Symbol.dispose]()).not.to.throw();
    });

    it('can be disposed after its secret went to another thread', () => {
      const result = make(secret());
      structuredClone(read(result), { transfer: [read(result).buffer as ArrayBuffer] });
      expect(() => result[Symbol.dispose]()).not.to.throw();
      expectThrown(() => read(result), ProviderClosedError);
    });

    it('is wiped at the end of a scope by using, also when the scope throws', () => {
      let handedOut: Uint8Array | undefined;
      expect(() => {
        using result = make(secret());
        handedOut = read(result);
        throw new Error('in the middle');
      }).to.throw('in the middle');
      expect(handedOut).to.deep.equal(new Uint8Array(16));
    });

    it('does not let its secret be replaced', () => {
      const result = make(secret());
      for (const field of ['plaintext', 'privateKey']) {
        if (field in result) expect(Reflect.set(result, field, new Uint8Array(16))).to.equal(false);
      }
      expect(read(result)).to.deep.equal(secret());
    });
  });
}
