import { strict as assert } from 'node:assert';
import { LIMITS, readEncryptionContext, serializeEncryptionContext } from '@keywrap/core';
import { jsonMutation } from '../json-mutation.js';
import { attempt, type FuzzTarget, textOf, utf8 } from '../target.js';

/** The serialised context says the same pairs, whatever their order was; nothing else is rejected or lost. */
export const encryptionContext: FuzzTarget = {
  name: 'encryption-context',
  words: [
    '__proto__',
    'constructor',
    '"a":"b",',
    '{"',
    '":',
    '\\ud800',
    '\\udc00',
    '\\u0000',
    '😀',
    'ﾝ',
  ],
  mutation: jsonMutation,
  async open() {
    return {
      seeds: [
        {},
        { ab: 'c' },
        { order: '4711', customer: 'acme', '😀': 'b', ﾝ: 'a', é: '' },
        { long: 'x'.repeat(LIMITS.encryptionContext - 10) },
        Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key-${i}`, String(i)])),
        ['a'],
        { a: 1 },
      ].map((context) => utf8(JSON.stringify(context))),
      async run(input) {
        let value: unknown;
        try {
          value = JSON.parse(textOf(input));
        } catch {
          value = textOf(input);
        }
        const read = await attempt(() => readEncryptionContext(value), ['INVALID_INPUT']);
        if (read === undefined) return;
        const bytes = serializeEncryptionContext(read);
        assert.ok(bytes.length <= LIMITS.encryptionContext);
        const pairs = parse(bytes);
        assert.deepEqual(new Map(pairs), new Map(Object.entries(value as object)));
        const inBytes = pairs.map(([key]) => Buffer.from(key));
        assert.deepEqual(inBytes, [...inBytes].sort(Buffer.compare));
        const reversed = Object.fromEntries(Object.entries(read).reverse());
        assert.deepEqual(serializeEncryptionContext(reversed), bytes);
      },
    };
  },
};

/** The reader that keywrap itself does not need: a number of pairs, each text with its length before it. */
function parse(bytes: Uint8Array): [key: string, value: string][] {
  if (bytes.length === 0) return [];
  const view = Buffer.from(bytes);
  let offset = 2;
  const text = () => {
    const end = offset + 2 + view.readUInt16BE(offset);
    const part = view.toString('utf8', offset + 2, end);
    offset = end;
    return part;
  };
  const pairs = Array.from({ length: view.readUInt16BE(0) }, (): [string, string] => [
    text(),
    text(),
  ]);
  assert.equal(offset, bytes.length);
  return pairs;
}
