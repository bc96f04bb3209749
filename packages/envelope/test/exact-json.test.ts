import { deepStrictEqual } from 'node:assert/strict';
import { openFields, openJson, sealFields, sealJson } from '@keywrap/envelope';
import { expect } from 'chai';
import fc from 'fast-check';
import { localKeys, rejection } from './support.js';

const encryptionContext = { id: '7' };
const SEAL = { keyId: 'alias/a', encryptionContext };
const OPEN = { trustedKeys: ['alias/a'], encryptionContext };
const fields = ['/a/b'];

class Money {
  readonly cents = 5;
}
/** Would be joined by dots. */
class Dotted extends Array<string> {
  override join(): string {
    return super.join('.');
  }
}
const cycle: Record<string, unknown> = {};
cycle.self = { back: cycle };
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

/** What JSON can't carry, and where it is in the value. */
const INEXACT: Readonly<Record<string, readonly [value: unknown, path: string, what: string]>> = {
  undefined: [undefined, '', 'undefined'],
  'undefined in an object': [{ a: { b: undefined } }, '/a/b', 'undefined'],
  'undefined in an array': [[1, undefined], '/1', 'undefined'],
  NaN: [{ a: [Number.NaN] }, '/a/0', 'NaN'],
  Infinity: [-Infinity, '', 'an infinite number'],
  'a BigInt': [[1n], '/0', 'bigint'],
  'a function': [{ f: () => 1 }, '/f', 'function'],
  'a symbol': [[Symbol('secret')], '/0', 'symbol'],
  'a Map': [{ 'a/~b': new Map([['secret', 1]]) }, '/a~1~0b', 'an object of a class'],
  'a Set': [new Set(), '', 'an object of a class'],
  'a Date': [[[new Date(0)]], '/0/0', 'an object of a class'],
  bytes: [{ key: new Uint8Array(2) }, '/key', 'an object of a class'],
  'an error': [new Error('secret'), '', 'an object of a class'],
  'a class instance': [new Money(), '', 'an object of a class'],
  'an array of a class': [{ a: Dotted.of('b', 'c') }, '/a', 'an object of a class'],
  'a boxed string': [[Object('secret')], '/0', 'an object of a class'],
  'an object that inherits': [Object.create({ a: 1 }), '', 'an object of a class'],
  'an object that contains itself': [cycle, '/self/back', 'contains itself'],
  'a hole': [[Object.assign([1], { 2: 3 })], '/0', 'holes'],
  'an array with a property': [Object.assign([1], { secret: 1 }), '', 'other properties'],
  'a symbol as a name': [{ [Symbol('secret')]: 1 }, '/Symbol(secret)', 'a property'],
  'a hidden property': [Object.defineProperty({}, 'a', { value: 1 }), '/a', 'a property'],
  toJSON: [{ a: { toJSON: () => 'other' } }, '/a/toJSON', 'function'],
  'a value that is nested 1001 levels deep': [nested(1001), '/0/0/0', 'deeper than 1000'],
};

describe('A value that JSON can not carry exactly', () => {
  const keys = localKeys();
  after(() => keys.close());

  for (const [what, [value, path, words]] of Object.entries(INEXACT)) {
    it(`is refused, and its path named: ${what}`, async () => {
      const whole = await rejection(sealJson(keys, SEAL, value));
      expect(whole).to.include({ code: 'INVALID_INPUT', field: 'value', operation: 'sealJson' });
      expect(whole.message).to.contain(`at '${path}`);
      expect(whole.message).to.contain(words);
      const field = await rejection(sealFields(keys, { ...SEAL, fields }, { a: { b: value } }));
      expect(field).to.include({ code: 'INVALID_INPUT', field: 'record', operation: 'sealFields' });
      expect(field.message).to.contain(`at '/a/b${path}`);
      expect(field.message).to.contain(words);
    });
  }

  it('is refused when a getter or a proxy throws, without what it says', async () => {
    const hostile = {
      get a() {
        throw new Error('secret');
      },
    };
    const error = await rejection(sealJson(keys, SEAL, hostile));
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'value' });
    expect(error.message).not.to.contain('secret');
  });

  it('is none of these, which come back as they were', async () => {
    const values = [
      ...[
        -0,
        [-0],
        1e21,
        5e-324,
        2 ** 53 + 2,
        '\uD800',
        '\u2028"\\',
        '',
        { '': null, '\uDC00': 1 },
      ],
      ...[JSON.parse('{"__proto__":{"a":1},"constructor":2,"toString":"x"}'), nested(1000)],
    ];
    for (const value of values) {
      deepStrictEqual(await openJson(keys, await sealJson(keys, SEAL, value), OPEN), value);
    }
    const misleading = {
      get: (target: string[], name: string) =>
        name === 'join' ? () => 'x' : Reflect.get(target, name),
    };
    deepStrictEqual(
      await openJson(keys, await sealJson(keys, SEAL, new Proxy(['b'], misleading)), OPEN),
      ['b'],
    );
    const twice = { a: 1 };
    const shared = await sealJson(keys, SEAL, [twice, twice]);
    deepStrictEqual(await openJson(keys, shared, OPEN), [{ a: 1 }, { a: 1 }]);
  });

  it('is refused, whatever it is, and everything else comes back as it was', async () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
    });
    const outcomes = { refused: 0, same: 0 };
    await fc.assert(
      fc.asyncProperty(fc.oneof(anything, fc.jsonValue()), async (value) => {
        const sealed = await sealFields(keys, { ...SEAL, fields }, { a: { b: value } }).catch(
          (error: unknown) => {
            expect(error).to.include({ code: 'INVALID_INPUT', field: 'record' });
            return undefined;
          },
        );
        if (sealed === undefined) {
          outcomes.refused += 1;
          expect((await rejection(sealJson(keys, SEAL, value))).code).to.equal('INVALID_INPUT');
          return;
        }
        outcomes.same += 1;
        const message = await sealJson(keys, SEAL, value);
        deepStrictEqual(await openJson(keys, message, OPEN), value);
        const opened = await openFields(keys, sealed, { ...OPEN, fields });
        deepStrictEqual(opened, { a: { b: value } });
      }),
      { numRuns: 300 },
    );
    expect(outcomes.refused).to.be.greaterThan(20);
    expect(outcomes.same).to.be.greaterThan(20);
  });
});

describe('What is around the fields of a record', () => {
  it('stays what it is', async () => {
    await using keys = localKeys();
    const created = new Date(0);
    const other = new Money();
    const record = { a: { b: 1, other }, created, list: [{ c: 2 }, other] };
    const both = ['/a/b', '/list/0/c'];
    const row = await sealFields(keys, { ...SEAL, fields: both }, record);
    expect(row.created).to.equal(created);
    expect(row).to.have.nested.property('list.1', other);
    expect(record).to.deep.equal({ a: { b: 1, other }, created, list: [{ c: 2 }, other] });
    deepStrictEqual(await openFields(keys, row, { ...OPEN, fields: both }), record);
  });

  it('must not be of a class, which a copy would lose', async () => {
    await using keys = localKeys();
    for (const record of [
      new Money(),
      { a: Object.assign(new Money(), { b: 1 }) },
      { a: new Map() },
      { a: Object.assign(new Dotted(), { b: 1 }) },
    ]) {
      const error = await rejection(sealFields(keys, { ...SEAL, fields }, record));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'record' });
    }
  });
});
