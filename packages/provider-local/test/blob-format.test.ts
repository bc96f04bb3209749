import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { serializeEncryptionContext } from '@keywrap/core';
import { LocalKeyWrapProvider, MemoryKeyStore } from '@keywrap/provider-local';
import { arnOf, KeyMaterial, newKey, newVersion } from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { encodeBlob, encodeBlobHeader } from '#dist/cipher/blob.js';
import { selectEngine } from '#dist/cipher/engines/index.js';
import { ENGINES, expectRejection, HOME, utf8 } from './support.js';

interface Vector {
  readonly name: string;
  readonly key: string;
  readonly keyId: string;
  readonly materialVersion: number;
  readonly nonce: string;
  readonly encryptionContext: Record<string, string>;
  readonly plaintext: string | { readonly byte: string; readonly count: number };
  readonly aad: string;
  readonly blob: string;
}

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../../../docs/blob-format-vectors.json', import.meta.url), 'utf8'),
).vectors;

const plaintextOf = ({ plaintext }: Vector): Uint8Array =>
  typeof plaintext === 'string' ? hex(plaintext) : hex(plaintext.byte.repeat(plaintext.count));

const [FIRST, WITH_CONTEXT] = VECTORS as [Vector, Vector];

describe('The vectors of docs/blob-format.md', () => {
  for (const vector of VECTORS) {
    it(`${vector.name}: the specification, followed with AES alone, yields these bytes`, () => {
      const { key, nonce, aad } = vector;
      const context = serializeByTheBook(vector.encryptionContext);
      const header = headerByTheBook(vector.keyId, vector.materialVersion);
      expect(Buffer.concat([header, context]).toString('hex')).to.equal(aad);
      const sealed = xaesByTheBook(hex(key), hex(nonce), plaintextOf(vector), hex(aad));
      expect(Buffer.concat([header, hex(nonce), sealed]).toString('hex')).to.equal(vector.blob);
    });

    for (const engine of ENGINES) {
      it(`${vector.name}: the ${engine} engine opens it`, async () => {
        const provider = new LocalKeyWrapProvider({ engine, store: await storeWith(vector) });
        const { encryptionContext } = vector;
        const ciphertext = hex(vector.blob);
        const opened = await provider.decrypt({ ciphertext, encryptionContext });
        expect(opened.plaintext).to.deep.equal(plaintextOf(vector));
        expect(opened.keyId).to.equal(`arn:aws:kms:us-east-1:111122223333:key/${vector.keyId}`);
      });

      it(`${vector.name}: the ${engine} engine writes it, given its nonce`, async () => {
        const header = encodeBlobHeader(vector);
        const context = serializeEncryptionContext(vector.encryptionContext);
        const aad = Uint8Array.from([...header, ...context]);
        const key = (await selectEngine(engine)).loadAesKey(hex(vector.key));
        const sealed = key.seal(hex(vector.nonce), plaintextOf(vector), aad);
        const blob = encodeBlob(header, hex(vector.nonce), sealed);
        expect(Buffer.from(blob).toString('hex')).to.equal(vector.blob);
      });
    }
  }
});

describe('What the provider writes', () => {
  it('is laid out as the specification says, with a new nonce each time', async () => {
    const provider = new LocalKeyWrapProvider({ store: await storeWith(FIRST) });
    const plaintext = utf8('a data key');
    const blobs: Uint8Array[] = [];
    for (let i = 0; i < 20; i++) {
      blobs.push((await provider.encrypt({ keyId: FIRST.keyId, plaintext })).ciphertext);
    }
    const header = headerByTheBook(FIRST.keyId, 1);
    for (const blob of blobs) {
      expect(Buffer.from(blob.subarray(0, header.length))).to.deep.equal(header);
      expect(blob.length).to.equal(header.length + 24 + plaintext.length + 16);
      const nonce = blob.subarray(header.length, header.length + 24);
      const sealed = xaesByTheBook(hex(FIRST.key), nonce, plaintext, header);
      expect(Buffer.from(blob.subarray(header.length + 24))).to.deep.equal(sealed);
    }
    const nonces = blobs.map((blob) => Buffer.from(blob.subarray(45, 69)).toString('hex'));
    expect(new Set(nonces).size).to.equal(20);
  });

  it('never exceeds 4400 bytes, with the longest key id, context and plaintext', async () => {
    const keyId = 'k'.repeat(255);
    const provider = new LocalKeyWrapProvider({ keys: [keyId] });
    const encryptionContext = { key: 'v'.repeat(8192 - 2 - 4 - 3) };
    const plaintext = new Uint8Array(4096);
    const { ciphertext } = await provider.encrypt({ keyId, plaintext, encryptionContext });
    expect(ciphertext.length).to.equal(4400);
    const opened = await provider.decrypt({ ciphertext, encryptionContext });
    expect(opened.plaintext).to.deep.equal(plaintext);
  });
});

for (const engine of ENGINES) {
  describe(`The ${engine} engine rejects`, () => {
    const open = async (
      ciphertext: Uint8Array,
      encryptionContext = WITH_CONTEXT.encryptionContext,
      keyId?: string,
    ) =>
      new LocalKeyWrapProvider({ engine, store: await storeWith(WITH_CONTEXT) }).decrypt({
        keyId,
        ciphertext,
        encryptionContext,
      });
    const blob = hex(WITH_CONTEXT.blob);
    const header = headerByTheBook(WITH_CONTEXT.keyId, 1);

    it('a blob with a bit changed in any of its bytes', async () => {
      for (let i = 0; i < blob.length; i++) {
        const damaged = blob.slice();
        damaged[i] = (damaged[i] as number) ^ (1 << (i % 8));
        await expectRejection(open(damaged, undefined, WITH_CONTEXT.keyId), 'INVALID_CIPHERTEXT');
        // A changed id may be that of another key.
        const id = Buffer.from(damaged.subarray(5, 5 + WITH_CONTEXT.keyId.length)).toString();
        const isOther = id !== WITH_CONTEXT.keyId && /^[A-Za-z0-9][\w-]*$/.test(id);
        await expectRejection(open(damaged), isOther ? 'ACCESS_DENIED' : 'INVALID_CIPHERTEXT');
      }
    });

    it('a blob with any other length of its key id', async () => {
      for (let length = 0; length < 256; length++) {
        if (length === WITH_CONTEXT.keyId.length) continue;
        await expectRejection(
          open(blob.with(4, length), undefined, WITH_CONTEXT.keyId),
          'INVALID_CIPHERTEXT',
        );
      }
    });

    it('a blob that is cut off anywhere', async () => {
      for (let length = 1; length < blob.length; length++) {
        await expectRejection(open(blob.slice(0, length)), 'INVALID_CIPHERTEXT');
      }
    });

    const sealedHeader = (bytes: Uint8Array): Uint8Array => {
      const nonce = hex(WITH_CONTEXT.nonce);
      const context = serializeByTheBook(WITH_CONTEXT.encryptionContext);
      const aad = Buffer.concat([bytes, context]);
      const sealed = xaesByTheBook(hex(WITH_CONTEXT.key), nonce, utf8('x'), aad);
      return Uint8Array.from(Buffer.concat([bytes, nonce, sealed]));
    };

    // Each is authentic under the key, so that it is the header which is rejected.
    const cases: readonly (readonly [string, Uint8Array])[] = [
      ['the next version of the format', header.with(3, 2)],
      ['other magic', header.with(0, 0x4b)],
      ['a key id of no bytes', Uint8Array.of(...header.subarray(0, 4), 0, 0, 0, 0, 1)],
      ['a key id that is not UTF-8', header.with(5, 0xff)],
      ['an id that no key can have', headerByTheBook('1234abcd.0000', 1)],
      ['a material version that the key does not have', headerByTheBook(WITH_CONTEXT.keyId, 2)],
      ['the material version 0', headerByTheBook(WITH_CONTEXT.keyId, 0)],
    ];
    for (const [what, changed] of cases) {
      it(what, async () => {
        await expectRejection(open(sealedHeader(changed)), 'INVALID_CIPHERTEXT');
      });
    }

    it('a blob of a key that does not exist', async () => {
      const unknown = sealedHeader(headerByTheBook('1234abcd-0000', 1));
      await expectRejection(open(unknown), 'ACCESS_DENIED');
    });

    it('but not the same blob with its own header', async () => {
      const { plaintext } = await open(sealedHeader(header));
      expect(plaintext).to.deep.equal(utf8('x'));
    });

    it('a blob without a plaintext, although its tag fits', async () => {
      const nonce = hex(FIRST.nonce);
      const sealed = xaesByTheBook(hex(FIRST.key), nonce, new Uint8Array(), header);
      const empty = Uint8Array.from(Buffer.concat([header, nonce, sealed]));
      await expectRejection(open(empty, {}), 'INVALID_CIPHERTEXT');
    });

    it('a different context: one pair more or less, other case, key and value shifted', async () => {
      for (const context of [
        {},
        { order: '7', tenant: 'a' },
        { Order: '7' },
        { order: '' },
        { order7: '' },
        { orde: 'r7' },
      ] as Record<string, string>[]) {
        await expectRejection(open(blob, context), 'INVALID_CIPHERTEXT');
      }
    });
  });
}

/** A store with the one key of a vector. */
async function storeWith({ key, keyId, materialVersion }: Vector): Promise<MemoryKeyStore> {
  const store = new MemoryKeyStore();
  const material = { material: new KeyMaterial(hex(key)), publicKey: undefined };
  const version = { ...(await newVersion(keyId, material)), version: materialVersion };
  const kind = { keySpec: 'SYMMETRIC_DEFAULT', keyUsage: 'ENCRYPT_DECRYPT' } as const;
  const record = newKey({
    scope: HOME,
    id: keyId,
    ...kind,
    origin: 'AWS_KMS',
    description: '',
    creationDate: new Date(0),
    version,
    tags: [],
    policy: undefined,
  });
  await store.change({ keys: [arnOf(record)], aliases: [], ids: [] }, (transaction) =>
    transaction.putKey(record),
  );
  return store;
}

// Implements the specification again, from AES alone, to reveal mistakes in one implementation.

function headerByTheBook(keyId: string, materialVersion: number): Buffer {
  const id = Buffer.from(keyId);
  const version = Buffer.alloc(4);
  version.writeUInt32BE(materialVersion);
  return Buffer.concat([Buffer.from('kwb\x01'), Buffer.of(id.length), id, version]);
}

function serializeByTheBook(context: Record<string, string>): Buffer {
  const uint16 = (value: number) => Buffer.of(value >> 8, value & 0xff);
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([uint16(bytes.length), bytes]);
  };
  const keys = Object.keys(context).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (keys.length === 0) return Buffer.alloc(0);
  const pairs = keys.flatMap((key) => [text(key), text(context[key] ?? '')]);
  return Buffer.concat([uint16(keys.length), ...pairs]);
}

/** NIST SP 800-38B over one whole block; K1 is worked out as a number. */
function cmacByTheBook(key: Uint8Array, block: Uint8Array): Buffer {
  const aes = (bytes: Uint8Array) => createCipheriv('aes-256-ecb', key, null).update(bytes);
  const l = BigInt(`0x${aes(Buffer.alloc(16)).toString('hex')}`);
  const k1 = l >> 127n === 0n ? l << 1n : BigInt.asUintN(128, l << 1n) ^ 0x87n;
  const masked = BigInt(`0x${Buffer.from(block).toString('hex')}`) ^ k1;
  return aes(Buffer.from(masked.toString(16).padStart(32, '0'), 'hex'));
}

function xaesByTheBook(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
): Buffer {
  const derived = [1, 2].map((counter) =>
    cmacByTheBook(key, Buffer.concat([Buffer.of(0, counter, 0x58, 0), nonce.subarray(0, 12)])),
  );
  const cipher = createCipheriv('aes-256-gcm', Buffer.concat(derived), nonce.subarray(12));
  cipher.setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}
