import { createContext, runInContext } from 'node:vm';
import {
  type EncryptionContext,
  InvalidInputError,
  readEncryptionContext,
  serializeEncryptionContext,
} from '@keywrap/core';
import { expect } from 'chai';
import fc from 'fast-check';
import { expectThrown, js } from './support/failures.js';

/** Numbers are bytes, text is written in ASCII. */
const bytes = (...parts: (number | string)[]) =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'number' ? [part] : [...Buffer.from(part, 'latin1')])),
  );

/** Expects a rejection that names the field. */
function expectRefused(value: unknown, problem: RegExp | string = '') {
  const error = expectThrown(() => readEncryptionContext(value), InvalidInputError, {
    field: 'encryptionContext',
  });
  expect(error.message).to.match(new RegExp(problem));
}

const pairs = fc.dictionary(
  fc.string({ unit: 'grapheme', maxLength: 8 }).filter((key) => key !== '__proto__'),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  { maxKeys: 6, noNullPrototype: false },
);

describe('readEncryptionContext', () => {
  it('accepts pairs of strings', () => {
    const context = readEncryptionContext({ orderId: '7', tenant: 'a' });
    expect({ ...context }).to.deep.equal({ orderId: '7', tenant: 'a' });
  });

  it('accepts undefined and an empty object as the empty context', () => {
    expect(Reflect.ownKeys(readEncryptionContext(undefined))).to.deep.equal([]);
    expect(Reflect.ownKeys(readEncryptionContext({}))).to.deep.equal([]);
  });

  it('accepts empty strings as key and value', () => {
    expect({ ...readEncryptionContext({ '': '', a: '' }) }).to.deep.equal({ '': '', a: '' });
  });

  it('accepts an object without a prototype, and keys that Object.prototype has', () => {
    const context = Object.assign(Object.create(null), { constructor: 'x', toString: 'y' });
    expect({ ...readEncryptionContext(context) }).to.deep.equal({ ...context });
  });

  it('accepts an object of another realm', () => {
    const foreign = runInContext('({ orderId: "7" })', createContext());
    expect(foreign).not.to.be.instanceOf(Object);
    expect({ ...readEncryptionContext(foreign) }).to.deep.equal({ orderId: '7' });
  });

  it('returns a frozen copy without a prototype, which later changes do not reach', () => {
    const mine: Record<string, string> = { orderId: '7' };
    const context = readEncryptionContext(mine);
    mine.orderId = '8';
    mine.more = 'x';

    expect(context).to.be.frozen;
    expect(Reflect.get(context, 'constructor')).to.equal(undefined);
    expect({ ...context }).to.deep.equal({ orderId: '7' });
    expect(readEncryptionContext(undefined)).to.be.frozen;
  });

  it('keeps the order out of it and every pair in it, whatever the strings', () => {
    fc.assert(
      fc.property(pairs, (context) => {
        expect({ ...readEncryptionContext(context) }).to.deep.equal({ ...context });
      }),
    );
  });

  it('reads an accessor once, so that it can not return two different values', () => {
    let reads = 0;
    const context = readEncryptionContext({
      get orderId() {
        reads++;
        return String(reads);
      },
    });
    expect(context.orderId).to.equal('1');
    expect(reads).to.equal(1);
  });

  it('tells contexts apart that are read one after the other', () => {
    const near = [
      { a: 'b' },
      { a: 'c' },
      { b: 'c' },
      { a: 'bc' },
      { ab: 'c' },
      { a: 'c', b: '' },
      {},
    ];
    for (const context of [...near, ...near.toReversed()]) {
      for (let times = 0; times < 2; times++) {
        expect({ ...readEncryptionContext({ ...context }) }).to.deep.equal(context);
      }
    }
  });

  class Orders {
    orderId = '7';
  }
  for (const [what, value] of [
    ['null', null],
    ['a string', 'orderId=7'],
    ['a number', 7],
    ['a boolean', false],
    ['a function', () => ({})],
    ['an array', []],
    ['an array of pairs', [['orderId', '7']]],
    ['a Map', new Map([['orderId', '7']])],
    ['URLSearchParams', new URLSearchParams('orderId=7')],
    ['a class instance', new Orders()],
    ['a Date', new Date()],
    ['bytes', new Uint8Array(2)],
    ['a String object', Object('ab')],
  ] as const) {
    it(`rejects ${what} (INVALID_INPUT)`, () => {
      expectRefused(value, 'must be a plain object');
    });
  }

  it('rejects inherited pairs, which would be omitted silently', () => {
    const inherited = Object.assign(Object.create(null), { tenant: 'a' });
    expectRefused(Object.create(inherited, {}), 'must be a plain object');
    expectRefused(Object.create({ tenant: 'a' }), 'must be a plain object');
  });

  for (const [what, value] of [
    ['a number', 7],
    ['undefined', undefined],
    ['null', null],
    ['a nested object', {}],
    ['bytes', new Uint8Array(1)],
    ['a String object', Object('7')],
    ['a symbol', Symbol('7')],
  ] as const) {
    it(`rejects ${what} as a value and names its key (INVALID_INPUT)`, () => {
      expectRefused({ tenant: 'a', orderId: value }, 'key "orderId"');
    });
  }

  it('rejects symbol keys', () => {
    expectRefused({ [Symbol('orderId')]: '7' }, 'symbol');
  });

  it('reads non-enumerable pairs too', () => {
    const hidden = Object.defineProperty({}, 'orderId', { value: '7', enumerable: false });
    expect(readEncryptionContext(hidden)).to.have.property('orderId', '7');
  });

  it('rejects __proto__ as an own key, as JSON.parse makes it', () => {
    expectRefused(JSON.parse('{"__proto__": "x"}'), '__proto__');
    expect({}).not.to.have.property('x');
  });

  it('is not reached by a polluted Object.prototype', () => {
    Object.defineProperty(Object.prototype, 'tenant', {
      value: 'evil',
      enumerable: true,
      configurable: true,
    });
    let context: EncryptionContext;
    try {
      context = readEncryptionContext({ orderId: '7' });
    } finally {
      Reflect.deleteProperty(Object.prototype, 'tenant');
    }
    expect(Reflect.ownKeys(context)).to.deep.equal(['orderId']);
  });

  for (const [what, text] of [
    ['high', '\ud83d'],
    ['low', '\ude00'],
  ] as const) {
    it(`rejects an unpaired ${what} surrogate in a key and in a value`, () => {
      expectRefused({ [`a${text}`]: 'x' }, 'surrogate');
      expectRefused({ a: `x${text}y` }, 'surrogate');
    });
  }

  for (const [what, letter, size] of [
    ['one byte', 'a', 1],
    ['one byte, the last', '\u007f', 1],
    ['two bytes, the first', '\u0080', 2],
    ['two bytes, the last', '\u07ff', 2],
    ['three bytes, the first', '\u0800', 3],
    ['three bytes, the last', '\uffff', 3],
    ['four bytes', '😀', 4],
  ] as const) {
    it(`accepts 8192 serialised bytes and rejects more, in characters of ${what}`, () => {
      // 2 for the count, 4 for two lengths, 1 for the key.
      const room = 8192 - 2 - 4 - 1;
      const value = letter.repeat(Math.floor(room / size)) + 'x'.repeat(room % size);
      const longest = readEncryptionContext({ k: value });

      expect(serializeEncryptionContext(longest)).to.have.length(8192);
      expectRefused({ k: `${value}x` }, 'at most 8192 bytes');
    });
  }

  it('counts the keys, and the bytes of each pair', () => {
    // 2047 pairs of 4 characters' key: each 4 + 4 bytes would be too many; 1023 fit.
    const context = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [String(i).padStart(4, '0'), '']));
    expect(Object.keys(readEncryptionContext(context(1023)))).to.have.length(1023);
    expectRefused(context(1024), 'at most 8192 bytes');
  });

  it('rejects 10 000 pairs without reading any', () => {
    let reads = 0;
    const many = {};
    for (let i = 0; i < 10_000; i++) {
      Object.defineProperty(many, `key${i}`, {
        enumerable: true,
        get: () => {
          reads++;
          return 'x';
        },
      });
    }
    expectRefused(many, 'at most 8192 bytes');
    expect(reads).to.equal(0);
  });

  it('shortens a long key in its message, and never shows a value', () => {
    const key = 'k'.repeat(1000);
    const error = expectThrown(
      () => readEncryptionContext({ [key]: 'hunter2\ud83d' }),
      InvalidInputError,
    );
    expect(error.message).to.have.length.below(200).and.not.include('hunter2');
  });

  it('names the given field', () => {
    const read = () => readEncryptionContext(7, 'source.encryptionContext');
    expectThrown(read, InvalidInputError, { field: 'source.encryptionContext' });
  });
});

describe('serializeEncryptionContext', () => {
  it('returns the bytes that its documentation shows', () => {
    const expected = bytes(0, 1, 0, 1, 'a', 0, 2, 'bc');
    expect(serializeEncryptionContext({ a: 'bc' })).to.deep.equal(expected);
  });

  it('returns no bytes for the empty context', () => {
    expect(serializeEncryptionContext({})).to.have.length(0);
  });

  // AWS Encryption SDK, message format, "AAD": key-value pair count, then the pairs, ascending.
  it('writes count, then each key and value after its length, sorted by key', () => {
    const context = { purpose: 'test', account: '7' };
    const expected = bytes(
      ...[0, 2],
      ...[0, 7, 'account', 0, 1, '7'],
      ...[0, 7, 'purpose', 0, 4, 'test'],
    );
    expect(serializeEncryptionContext(context)).to.deep.equal(expected);
  });

  it('counts lengths in bytes of UTF-8 and not in characters', () => {
    const expected = bytes(0, 1, 0, 2, 0xc3, 0xa9, 0, 4, 0xf0, 0x9f, 0x98, 0x80);
    expect(serializeEncryptionContext({ é: '😀' })).to.deep.equal(expected);
  });

  it('uses both bytes of a length', () => {
    const expected = bytes(0, 1, 0, 1, 'k', 1, 2, 'x'.repeat(0x102));
    expect(serializeEncryptionContext({ k: 'x'.repeat(0x102) })).to.deep.equal(expected);
  });

  it('sorts by UTF-8 bytes: U+FF5E before U+1F600, which UTF-16 puts first', () => {
    const expected = bytes(
      ...[0, 2],
      ...[0, 3, 0xef, 0xbd, 0x9e, 0, 1, '1'],
      ...[0, 4, 0xf0, 0x9f, 0x98, 0x80, 0, 1, '2'],
    );
    expect(['\uff5e', '\u{1f600}'].sort()).to.deep.equal(['\u{1f600}', '\uff5e']);
    expect(serializeEncryptionContext({ '\u{1f600}': '2', '\uff5e': '1' })).to.deep.equal(expected);
  });

  it('sorts a key before every longer one that begins with it, and bytes as unsigned', () => {
    const context = { ab: '', é: '', a: '', '': '' };
    const expected = bytes(
      ...[0, 4],
      ...[0, 0, 0, 0],
      ...[0, 1, 'a', 0, 0],
      ...[0, 2, 'ab', 0, 0],
      ...[0, 2, 0xc3, 0xa9, 0, 0],
    );
    expect(serializeEncryptionContext(context)).to.deep.equal(expected);
  });

  it('sorts number-like keys as text', () => {
    const expected = bytes(0, 2, 0, 2, '10', 0, 0, 0, 1, '9', 0, 0);
    expect(serializeEncryptionContext({ 9: '', 10: '' })).to.deep.equal(expected);
  });

  it('tells { ab: c } from { a: bc }, and one pair from two', () => {
    const all = [
      { ab: 'c' },
      { a: 'bc' },
      { abc: '' },
      { '': 'abc' },
      { a: 'b', c: '' },
      { a: '', b: 'c' },
      { a: 'B' },
      { a: 'b' },
      {},
    ].map((context) => Buffer.from(serializeEncryptionContext(context)).toString('hex'));
    expect(new Set(all).size).to.equal(all.length);
  });

  it('returns different bytes for different contexts, and the same for the same pairs in any order', () => {
    const alphabet = fc.string({ unit: fc.constantFrom('a', 'b', '\0', 'é', '😀'), maxLength: 3 });
    const few = fc.dictionary(alphabet, alphabet, { maxKeys: 3, noNullPrototype: true });
    const canonical = (context: EncryptionContext) =>
      JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)));
    const hex = (context: EncryptionContext) =>
      Buffer.from(serializeEncryptionContext(context)).toString('hex');

    fc.assert(
      fc.property(few, few, (a, b) => {
        expect(hex(a) === hex(b)).to.equal(canonical(a) === canonical(b));
        expect(hex(Object.fromEntries(Object.entries(a).reverse()))).to.equal(hex(a));
      }),
      { numRuns: 2000 },
    );
  });

  it('rejects contexts that would serialise to wrong bytes, or those of another context', () => {
    for (const context of [
      { k: 'x'.repeat(0x10000) },
      { k: '\ud83d' },
      { k: 7 },
      JSON.parse('{"__proto__": "x"}'),
    ]) {
      expectThrown(() => serializeEncryptionContext(js(context)), InvalidInputError);
    }
  });
});
