import { KeyWrapError, type KeyWrapProvider } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';
import sinon from 'sinon';
import type { ScryptCost } from '#dist/store/protection/passphrase.js';
import {
  openProtection,
  protect,
  type StoreProtection,
} from '#dist/store/protection/protection.js';
import type { PassphraseRecord } from '#dist/store/protection/record.js';
import { StoreKey } from '#dist/store/protection/store-key.js';
import { rejection } from '../../support.js';

const STORE = '3f0c2b6e-9d57-4a8e-8b1f-2f6f3d0f7a11';
const OTHER_STORE = '00000000-0000-4000-8000-000000000000';
const PASSPHRASE = 'correct horse battery staple';
/** The least that is accepted, so that a test does not wait half a second for each passphrase. */
const LEAST = { cost: 2 ** 14, blockSize: 8, parallelization: 1 } as const;

async function createProtection(storeId: string, by: StoreProtection, cost?: ScryptCost) {
  const storeKey = StoreKey.generate(storeId);
  return { record: await protect(storeId, storeKey, by, cost), storeKey };
}

const secretOf = (key: StoreKey) => Buffer.from(key.secret).toString('hex');

async function protectedBy(passphrase: string | Uint8Array, cost = LEAST) {
  const { record, storeKey } = await createProtection(STORE, { passphrase }, cost);
  return { record: record as PassphraseRecord, secret: secretOf(storeKey) };
}

async function open(record: unknown, passphrase: string | Uint8Array, storeId = STORE) {
  return secretOf(await openProtection(storeId, record, { passphrase }, 'keys.db'));
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await rejection(work);
  expect(error).to.be.instanceOf(KeyWrapError);
  return error.name === 'DamagedStoreError' ? 'damaged' : String(error.code);
}

/** Flips one bit of base64's bytes. */
function flipped(base64: string, index: number): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes[index] = (bytes[index] as number) ^ 1;
  return bytes.toString('base64');
}

describe('A store protected by a passphrase', () => {
  it('opens with it, also after its record went through JSON', async () => {
    const { record, secret } = await protectedBy(PASSPHRASE);
    expect(await open(JSON.parse(JSON.stringify(record)), PASSPHRASE)).to.equal(secret);
  });

  it('accepts text in any normal form, and bytes that are not UTF-8', async () => {
    const text = await protectedBy('pass\u00e9');
    expect(await open(text.record, 'passe\u0301')).to.equal(text.secret);
    expect(await open(text.record, Buffer.from('pass\u00e9'))).to.equal(text.secret);
    const bytes = await protectedBy(Uint8Array.of(0xff, 0xfe, 0x80));
    expect(await open(bytes.record, Uint8Array.of(0xff, 0xfe, 0x80))).to.equal(bytes.secret);
    expect(await codeOf(open(bytes.record, Uint8Array.of(0xff, 0xfe, 0x81)))).to.equal(
      'ACCESS_DENIED',
    );
  });

  for (const [what, passphrase] of [
    ['an empty one', ''],
    ['empty bytes', new Uint8Array()],
    ['half a surrogate pair', 'pass\ud83d'],
    ['U+FFFD, which bytes that were not text became', 'pass\ufffd'],
  ] as const) {
    it(`rejects ${what} (INVALID_INPUT)`, async () => {
      expect(await codeOf(createProtection(STORE, { passphrase }))).to.equal('INVALID_INPUT');
    });
  }

  it('does not open with another passphrase, or in another store (ACCESS_DENIED)', async () => {
    const { record } = await protectedBy(PASSPHRASE);
    expect(await codeOf(open(record, 'not it'))).to.equal('ACCESS_DENIED');
    expect(await codeOf(open(record, PASSPHRASE, OTHER_STORE))).to.equal('ACCESS_DENIED');
  });

  it('fails the same way for a changed salt, cost or commitment as for a wrong passphrase', async () => {
    const { record } = await protectedBy(PASSPHRASE);
    const denied = [
      { ...record, commitment: flipped(record.commitment, 0) },
      { ...record, commitment: flipped(record.commitment, 31) },
      { ...record, scrypt: { ...record.scrypt, salt: flipped(record.scrypt.salt, 3) } },
      { ...record, scrypt: { ...record.scrypt, cost: 2 ** 15 } },
      { ...record, scrypt: { ...record.scrypt, parallelization: 2 } },
    ];
    const message = async (changed: unknown, passphrase: string) =>
      (await rejection(open(changed, passphrase))).message;
    const wrong = await message(record, 'not it');
    for (const changed of denied) {
      expect(await message(changed, PASSPHRASE)).to.equal(wrong);
      expect(await message(changed, 'not it')).to.equal(wrong);
    }
  });

  it('reports a damaged wrapped key only with the right passphrase', async () => {
    const { record } = await protectedBy(PASSPHRASE);
    const wrong = await rejection(open(record, 'not it'));
    for (const index of [0, 23, 24, 55, 56, 71]) {
      const changed = { ...record, wrapped: flipped(record.wrapped, index) };
      const { code, message } = await rejection(open(changed, 'not it'));
      expect({ code, message }).to.deep.equal({ code: wrong.code, message: wrong.message });
      expect(await codeOf(open(changed, PASSPHRASE))).to.equal('damaged');
    }
  });

  it('commits to one passphrase: a wrapped key that another one opens is not even tried', async () => {
    // A partitioning oracle needs one record that opens under several passphrases. Here the whole
    // part that AES-GCM authenticates is one that the second passphrase opens.
    const mine = await protectedBy(PASSPHRASE);
    const theirs = await createProtection(STORE, { passphrase: 'of an attacker' }, LEAST);
    const theirRecord = theirs.record as PassphraseRecord;
    const mixed = { ...theirRecord, commitment: mine.record.commitment };
    expect(await codeOf(open(mixed, 'of an attacker'))).to.equal('ACCESS_DENIED');
    expect(await codeOf(open(mixed, PASSPHRASE))).to.equal('ACCESS_DENIED');
  });

  it('has a fresh salt, wrapped key and commitment each time', async () => {
    const { record, storeKey } = await createProtection(STORE, { passphrase: PASSPHRASE }, LEAST);
    const again = await protect(STORE, storeKey, { passphrase: PASSPHRASE }, LEAST);
    const [a, b] = [record, again] as readonly PassphraseRecord[] as [
      PassphraseRecord,
      PassphraseRecord,
    ];
    expect(a.scrypt.salt).not.to.equal(b.scrypt.salt);
    expect(a.commitment).not.to.equal(b.commitment);
    expect(a.wrapped).not.to.equal(b.wrapped);
    expect(await open(again, PASSPHRASE)).to.equal(secretOf(storeKey));
  });

  it('needs 128 MiB per guess by default', async () => {
    const { record } = await createProtection(STORE, { passphrase: PASSPHRASE });
    const { salt: _, ...cost } = (record as PassphraseRecord).scrypt;
    expect(cost).to.deep.equal({ cost: 2 ** 17, blockSize: 8, parallelization: 1 });
  });
});

describe('A protection record that was changed', () => {
  let record: PassphraseRecord;
  before(async () => {
    ({ record } = await protectedBy(PASSPHRASE));
  });
  const rejected = async (value: unknown) =>
    expect(await codeOf(open(value, PASSPHRASE)), JSON.stringify(value)).to.equal('damaged');

  it('is rejected before a derivation when a guess would be cheap, or exhaust the memory', async () => {
    const { scrypt } = record;
    // A passphrase is normalised before a derivation, so this counts those that began.
    const normalize = sinon.spy(String.prototype, 'normalize');
    for (const changed of [
      { cost: 2, blockSize: 8, parallelization: 1 },
      { cost: 2 ** 13, blockSize: 8, parallelization: 16 },
      { cost: 2 ** 14, blockSize: 1, parallelization: 1 },
      { cost: 2 ** 20, blockSize: 8, parallelization: 1 },
      { cost: 2 ** 14, blockSize: 32, parallelization: 16 },
      { cost: 2 ** 17, blockSize: 8, parallelization: 5 },
      { cost: 2 ** 14 + 1, blockSize: 8, parallelization: 1 },
      { cost: 2 ** 14, blockSize: 8.5, parallelization: 1 },
      { cost: 2 ** 14, blockSize: 8, parallelization: 0 },
      { cost: -(2 ** 14), blockSize: -8, parallelization: 1 },
      { cost: '16384', blockSize: 8, parallelization: 1 },
    ]) {
      await rejected({ ...record, scrypt: { ...scrypt, ...changed } });
    }
    expect(normalize.callCount).to.equal(0);
    normalize.restore();
    expect(await open(record, PASSPHRASE)).to.match(/^[0-9a-f]{64}$/);
  });

  it('is rejected for a length that no store writes', async () => {
    const { scrypt, wrapped, commitment } = record;
    const shorter = (text: string) => Buffer.from(text, 'base64').subarray(1).toString('base64');
    const longer = (text: string) =>
      Buffer.concat([Buffer.from(text, 'base64'), Buffer.of(0)]).toString('base64');
    for (const change of [shorter, longer, (text: string) => `${text}\n`, () => '']) {
      await rejected({ ...record, wrapped: change(wrapped) });
      await rejected({ ...record, commitment: change(commitment) });
      await rejected({ ...record, scrypt: { ...scrypt, salt: change(scrypt.salt) } });
    }
  });

  it('is rejected for a field that is missing, unknown or of another type', async () => {
    for (const name of ['by', 'scrypt', 'commitment', 'wrapped'] as const) {
      const { [name]: _, ...rest } = record;
      await rejected(rest);
      await rejected({ ...record, [name]: 7 });
      await rejected({ ...record, [name]: null });
    }
    await rejected({ ...record, hint: 'the name of the dog' });
    await rejected({ ...record, scrypt: { ...record.scrypt, pepper: 'AAAA' } });
    for (const value of [undefined, null, 7, 'passphrase', [], [record]]) await rejected(value);
  });

  it('is rejected when the id of its store is malformed', async () => {
    for (const storeId of ['', 'x', STORE.toUpperCase(), `${STORE}${'a'.repeat(2000)}`]) {
      expect(await codeOf(open(record, PASSPHRASE, storeId))).to.equal('damaged');
    }
  });

  it('inherits nothing from a polluted Object.prototype', async () => {
    const { commitment, ...rest } = record;
    Object.assign(Object.prototype, { commitment });
    try {
      await rejected(rest);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'commitment');
    }
  });
});

describe('A new store with a scrypt cost that is too low or too high', () => {
  it('is not created (INVALID_INPUT)', async () => {
    for (const cost of [
      { cost: 2, blockSize: 1, parallelization: 1 },
      { cost: 2 ** 22, blockSize: 8, parallelization: 1 },
    ]) {
      const { code, message } = await rejection(
        createProtection(STORE, { passphrase: PASSPHRASE }, cost),
      );
      expect(code).to.equal('INVALID_INPUT');
      expect(message).to.contain('2^14');
    }
  });
});

describe('A store protected by another provider', () => {
  const keyId = 'alias/store';
  let provider: KeyWrapProvider;
  before(() => {
    provider = new LocalKeyWrapProvider({ keys: [keyId] });
  });
  after(() => provider.close());

  it('opens only with its key', async () => {
    const { record, storeKey } = await createProtection(STORE, { provider, keyId });
    const opened = await openProtection(STORE, record, { provider, keyId }, 'keys.db');
    expect(secretOf(opened)).to.equal(secretOf(storeKey));
    await using stranger = new LocalKeyWrapProvider({ keys: [keyId] });
    const asked = openProtection(STORE, record, { provider: stranger, keyId }, 'keys.db');
    expect(await codeOf(asked)).to.equal('INCORRECT_KEY');
    const elsewhere = openProtection(OTHER_STORE, record, { provider, keyId }, 'keys.db');
    expect(await codeOf(elsewhere)).to.equal('INVALID_CIPHERTEXT');
  });

  it('names its protection when it is opened in the other way (INVALID_INPUT)', async () => {
    const { record } = await createProtection(STORE, { provider, keyId });
    const error = await rejection(open(record, PASSPHRASE));
    expect(error.code).to.equal('INVALID_INPUT');
    expect(error.message).to.match(
      /this store is protected by the provider local with arn:aws:kms:/,
    );
    const byPassphrase = await protectedBy(PASSPHRASE);
    const asked = openProtection(STORE, byPassphrase.record, { provider, keyId }, 'keys.db');
    expect(await codeOf(asked)).to.equal('INVALID_INPUT');
  });

  it('is damaged if the key inside has the wrong length', async () => {
    const { ciphertext } = await provider.encrypt({
      keyId,
      plaintext: new Uint8Array(16),
      encryptionContext: { 'keywrap-store': STORE },
    });
    const { record } = await createProtection(STORE, { provider, keyId });
    const wrapped = Buffer.from(ciphertext).toString('base64');
    const asked = openProtection(STORE, { ...record, wrapped }, { provider, keyId }, 'keys.db');
    expect(await codeOf(asked)).to.equal('damaged');
  });

  it('is damaged if its record holds anything that no store writes', async () => {
    const { record } = await createProtection(STORE, { provider, keyId });
    for (const change of [
      { wrapped: '' },
      { wrapped: 'A'.repeat(8196) },
      { keyId: `arn:\u001b[31m` },
      { provider: '' },
      { commitment: 'AAAA' },
    ]) {
      const asked = openProtection(STORE, { ...record, ...change }, { provider, keyId }, 'keys.db');
      expect(await codeOf(asked), JSON.stringify(change)).to.equal('damaged');
    }
  });
});

describe('The protection of a store', () => {
  it('is a passphrase or a provider, not both (INVALID_INPUT)', async () => {
    await using provider = new LocalKeyWrapProvider({ keys: ['alias/store'] });
    for (const protection of [
      {},
      { passphrase: undefined },
      { passphrase: 7 },
      { provider },
      { keyId: 'alias/store' },
      { provider, keyId: 'alias/store', passphrase: PASSPHRASE },
      { passphrase: PASSPHRASE, hint: 'none' },
      undefined,
    ]) {
      expect(await codeOf(createProtection(STORE, protection as never))).to.equal('INVALID_INPUT');
    }
  });
});

describe('The key of a store', () => {
  it('has a different key for each purpose and store, and shows none', async () => {
    const { storeKey } = await createProtection(STORE, { passphrase: PASSPHRASE }, LEAST);
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    const keys = [storeKey.secret, storeKey.setHash, storeKey.auditLog].map(hex);
    expect(new Set(keys).size).to.equal(3);
    for (const key of keys) expect(key).to.have.lengthOf(64);
    const { inspect } = await import('node:util');
    expect(`${inspect(storeKey, { showHidden: true })}${JSON.stringify({ storeKey })}`).to.equal(
      '[the key of a store]{}',
    );
  });

  it('is wiped when it is destroyed', async () => {
    const { storeKey } = await createProtection(STORE, { passphrase: PASSPHRASE }, LEAST);
    const { secret, setHash, auditLog } = storeKey;
    storeKey.destroy();
    for (const bytes of [secret, setHash, auditLog]) {
      expect([...bytes].every((byte) => byte === 0)).to.equal(true);
    }
    expect(() => storeKey.rows.seal(new Uint8Array(24), secret, secret)).to.throw();
  });
});
