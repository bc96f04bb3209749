import { expect } from 'chai';
import { KmsError } from '#dist/protocol/kms-error.js';
import { NOT_IMPLEMENTED, REQUESTS } from '#dist/protocol/requests.js';
import {
  blob,
  boolean,
  integer,
  list,
  oneOf,
  type Shape,
  string,
  stringMap,
  timestamp,
} from '#dist/protocol/shapes.js';
import { parseRequest, required, structure } from '#dist/protocol/structure.js';

/** Returns the rejection of a value of this shape, as the member `Value` of a request. */
function problem(shape: Shape<unknown>, value: unknown): string | undefined {
  try {
    parseRequest(structure({ Value: shape }), { Value: value });
    return undefined;
  } catch (error) {
    const { type, message } = error as KmsError;
    const detail = message.split('failed to satisfy constraint: ')[1] ?? message;
    return type === 'ValidationException' ? detail : type;
  }
}

describe('The table of constraints', () => {
  it('counts the characters of strings and matches whole strings', () => {
    const shape = string({ min: 2, max: 3, pattern: '[a-z]+' });
    expect(problem(shape, 'ab')).to.equal(undefined);
    expect(problem(shape, 'a')).to.equal('Member must have length greater than or equal to 2');
    expect(problem(shape, 'abcd')).to.equal('Member must have length less than or equal to 3');
    expect(problem(shape, 'a1')).to.equal('Member must satisfy regular expression pattern: [a-z]+');
  });

  it('reads bytes from base64 only, and never quotes them', () => {
    const shape = blob({ min: 1, max: 2 });
    expect(problem(shape, 'AQI=')).to.equal(undefined);
    for (const wrong of ['AQI', 'AQ-_', 'A===', ' AQI=', 'AQI=\n', '=']) {
      expect(problem(shape, wrong), wrong).to.equal('SerializationException');
    }
    const tooLong = () => parseRequest(structure({ Value: shape }), { Value: 'AQID' });
    expect(tooLong).to.throw(KmsError, /^1 validation error detected: Value at 'value' failed/);
  });

  it('distinguishes JSON types', () => {
    const shapes: [Shape<unknown>, unknown][] = [
      [string(), 'a'],
      [integer({ min: 0, max: 9 }), 1],
      [boolean, true],
      [list(string()), ['a']],
      [stringMap, { a: 'b' }],
      [oneOf('a'), 'a'],
      [structure({ Inner: string() }), { Inner: 'a' }],
    ];
    const values = ['a', 1, 1.5, true, ['a'], [1], { a: 'b' }, { a: 1 }];
    for (const [shape, good] of shapes) {
      expect(problem(shape, good)).to.equal(undefined);
      for (const value of values) {
        const isGood = JSON.stringify(value) === JSON.stringify(good);
        const isEither = typeof good === 'object' && typeof value === 'object';
        if (!isGood && !isEither) expect(problem(shape, value)).to.equal('SerializationException');
      }
    }
    expect(problem(timestamp, 1.5)).to.equal(undefined);
    for (const wrong of ['2030-01-01', 1e300]) {
      expect(problem(timestamp, wrong)).to.equal('SerializationException');
    }
  });

  it('names the place of every error at once', () => {
    const shape = structure({
      Tags: required(list(structure({ TagKey: required(string({ min: 1 })) }), { max: 2 })),
      Limit: integer({ min: 1, max: 10 }),
      KeyId: required(string()),
    });
    const json = { Tags: [{ TagKey: 'a' }, { TagKey: '' }, {}], Limit: 11 };
    expect(() => parseRequest(shape, json)).to.throw(
      KmsError,
      [
        "5 validation errors detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 2",
        "Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1",
        "Value null at 'tags.3.member.tagKey' failed to satisfy constraint: Member must not be null",
        "Value '11' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10",
        "Value null at 'keyId' failed to satisfy constraint: Member must not be null",
      ].join('; '),
    );
  });

  it('lists each operation of KMS once: implemented or not', () => {
    expect(Object.keys(REQUESTS)).to.have.length(39);
    for (const name of Object.keys(REQUESTS)) expect(NOT_IMPLEMENTED.has(name)).to.equal(false);
  });
});
