import { type KeyWrapProvider, ProviderUnavailableError, withLayer } from '@keywrap/core';
import { openFields, parseMessageHeader, sealFields } from '@keywrap/envelope';
import { expect } from 'chai';
import { expectRejection, localKeys, rejection } from './support.js';

const fields = ['/iban', '/address/street', '/tags/0', '/a~1b', '/note'];
const RECORD = {
  id: '7',
  iban: 'DE89 3704 0044 0532 0130 00',
  address: { street: 'Am Markt 1', city: 'Bremen' },
  tags: [{ vip: true }, 'b'],
  'a/b': 1.5,
  note: null,
};
const contextOf = (id: string) => ({ table: 'customers', id });
const SEAL = { keyId: 'alias/a', encryptionContext: contextOf('7'), fields };
const OPEN = { trustedKeys: ['alias/a'], encryptionContext: contextOf('7'), fields };

/** A provider that counts the calls. */
function counting(keys: KeyWrapProvider) {
  const count = { generateDataKey: 0, decrypt: 0 };
  const counted = withLayer(keys, (inner) => ({
    ...inner,
    generateDataKey(request, call) {
      count.generateDataKey += 1;
      return inner.generateDataKey(request, call);
    },
    decrypt(request, call) {
      count.decrypt += 1;
      return inner.decrypt(request, call);
    },
  }));
  return { keys: counted, count };
}

describe('Fields of a record', () => {
  it('are sealed and opened, with one call to the provider each', async () => {
    const { keys, count } = counting(localKeys());
    const before = structuredClone(RECORD);
    const row = await sealFields(keys, SEAL, RECORD);
    expect(RECORD).to.deep.equal(before);
    expect(row).to.have.nested.property('address.city', 'Bremen');
    expect(row).to.have.property('id', '7');
    expect(row.iban).to.match(/^[\w-]+$/);
    expect(parseMessageHeader(row.iban as string).encryptionContext).to.deep.equal(contextOf('7'));
    expect(await openFields(keys, row, OPEN)).to.deep.equal(RECORD);
    expect(count).to.deep.equal({ generateDataKey: 1, decrypt: 1 });
    await keys.close();
  });

  it('are opened in part', async () => {
    await using keys = localKeys();
    const row = await sealFields(keys, SEAL, RECORD);
    const opened = await openFields(keys, row, { ...OPEN, fields: ['/iban'] });
    expect(opened).to.deep.equal({ ...row, iban: RECORD.iban });
  });

  it('may have any name that JSON has', async () => {
    await using keys = localKeys();
    const record = JSON.parse('{"__proto__":{"constructor":"a"},"":{"":"b"},"list":[["c"]]}');
    const paths = ['/__proto__/constructor', '//', '/list/0/0'];
    const row = await sealFields(keys, { ...SEAL, fields: paths }, record);
    expect(Object.getPrototypeOf(row)).to.equal(Object.prototype);
    expect(Object.keys(row)).to.deep.equal(['__proto__', '', 'list']);
    expect(JSON.stringify(row)).not.to.match(/"[abc]"/);
    const opened = await openFields(keys, row, { ...OPEN, fields: paths });
    expect(JSON.stringify(opened)).to.equal(JSON.stringify(record));
    expect(({} as { constructor: unknown }).constructor).to.equal(Object);
  });

  it('cannot be moved to another field or another record', async () => {
    await using keys = localKeys();
    const row = await sealFields(keys, SEAL, RECORD);
    const swapped = { ...row, iban: row.note, note: row.iban };
    await expectRejection(openFields(keys, swapped, OPEN), 'INVALID_CIPHERTEXT');
    const other = await sealFields(
      keys,
      { ...SEAL, encryptionContext: contextOf('8') },
      { ...RECORD, id: '8' },
    );
    const mixed = { ...row, iban: other.iban };
    await expectRejection(openFields(keys, mixed, OPEN), 'INVALID_CIPHERTEXT');
  });

  it('hide what they hold in errors, and whether it was moved or damaged', async () => {
    await using keys = localKeys();
    const row = await sealFields(keys, SEAL, RECORD);
    const damaged = `${(row.iban as string).slice(0, -4)}AAAA`;
    const errors: Error[] = [];
    for (const iban of [row.note, damaged]) {
      errors.push(await rejection(openFields(keys, { ...row, iban }, OPEN)));
    }
    const [moved, broken] = errors;
    expect(moved?.message).to.equal(broken?.message);
    expect(moved?.stack).to.equal(broken?.stack);
  });

  it('name their path in every error', async () => {
    await using keys = localKeys('alias/a', 'alias/b');
    const row = await sealFields(keys, SEAL, RECORD);
    const opening = (street: unknown, trusted = 'alias/a') =>
      rejection(
        openFields(
          keys,
          { ...row, address: { street } },
          { ...OPEN, fields: ['/iban', '/address/street'], trustedKeys: [trusted] },
        ),
      );
    const inClear = ['DE89', 'DE89 3704', 'Agnes', 'Axel', 'nonsense', '', 5, null];
    for (const value of inClear) {
      const error = await opening(value);
      expect(error.code, String(value)).to.equal('INVALID_INPUT');
      expect(error).to.have.property('field', 'message');
      expect(error.message).to.match(/^'\/address\/street': message .*sealed/);
      expect(error.stack).to.contain(error.message);
      expect(error.operation).to.equal('openFields');
    }
    const swapped = await opening(row.note);
    expect(swapped.code).to.equal('INVALID_CIPHERTEXT');
    expect(swapped.message).to.match(/^'\/address\/street': /);
    const other = await sealFields(keys, { ...SEAL, keyId: 'alias/b' }, RECORD);
    const untrusted = await opening((other.address as { street: unknown }).street);
    expect(untrusted.code).to.equal('UNTRUSTED_KEY');
    expect(untrusted.message).to.match(/^'\/address\/street': /);
    const missing = await opening(row.iban, 'alias/none');
    expect(missing.code).to.equal('KEY_NOT_FOUND');
    expect(missing.message).to.match(/^'\/iban': /);
  });

  it('name their own path, also when a provider throws one error several times', async () => {
    await using keys = localKeys();
    const row = await sealFields(keys, SEAL, RECORD);
    const outage = new ProviderUnavailableError('the vault is sealed');
    const down = withLayer(keys, (inner) => ({
      ...inner,
      decrypt: () => Promise.reject(outage),
    }));
    const paths = ['/iban', '/note', '/note'];
    const errors = await Promise.all(
      paths.map((path) => rejection(openFields(down, row, { ...OPEN, fields: [path] }))),
    );
    for (const [index, error] of errors.entries()) {
      const message = `'${paths[index]}': the vault is sealed`;
      expect(error).to.be.instanceOf(ProviderUnavailableError).and.instanceOf(Error);
      expect(error).to.include({ message, code: 'UNAVAILABLE', retryable: true });
      expect(error.cause).to.equal(outage);
      expect(error.stack).to.match(/^ProviderUnavailableError: '[a-z/]+': the vault is sealed\n/);
    }
    expect(outage.message).to.equal('the vault is sealed');
  });

  it('are rejected when they are missing, or are not JSON', async () => {
    await using keys = localKeys();
    const sealing = (options: object, record: unknown = RECORD) =>
      sealFields(keys, { ...SEAL, ...options } as never, record as never);
    await expectRejection(sealing({ fields: ['/none'] }), 'INVALID_INPUT', 'record');
    await expectRejection(sealing({ fields: ['/id/length'] }), 'INVALID_INPUT', 'record');
    await expectRejection(sealing({ fields: ['/toString'] }), 'INVALID_INPUT', 'record');
    await expectRejection(sealing({ fields: ['/tags/length'] }), 'INVALID_INPUT', 'record');
    await expectRejection(sealing({ fields: ['/tags/00'] }), 'INVALID_INPUT', 'record');
    await expectRejection(sealing({ fields: ['/tags/-'] }), 'INVALID_INPUT', 'record');
    await expectRejection(sealing({ fields: ['/__proto__'] }), 'INVALID_INPUT', 'record');
    await expectRejection(sealing({ fields: ['/x'] }, { x: undefined }), 'INVALID_INPUT', 'record');
    await expectRejection(sealing({}, { x: () => 1 }), 'INVALID_INPUT', 'record');
    await expectRejection(sealing({}, 'text'), 'INVALID_INPUT', 'record');
    for (const bad of [
      [],
      ['iban'],
      [''],
      ['/a~2'],
      ['/iban', '/iban'],
      ['/address', '/address/street'],
      'x',
    ]) {
      await expectRejection(sealing({ fields: bad }), 'INVALID_INPUT', 'fields');
    }
    await expectRejection(sealing({ encryptionContext: {} }), 'INVALID_INPUT', 'encryptionContext');
    await expectRejection(
      openFields(keys, RECORD, { ...OPEN, encryptionContext: {} }),
      'INVALID_INPUT',
      'encryptionContext',
    );
    await expectRejection(openFields(keys, {}, OPEN), 'INVALID_INPUT', 'record');
  });
});
