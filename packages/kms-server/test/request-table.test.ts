import { expect } from 'chai';
import type { KmsError } from '#dist/protocol/kms-error.js';
import type { ModelShape, ModelShapes } from '#dist/protocol/model.js';
import { parseRequest } from '#dist/protocol/parse-request.js';
import { shapeNamed } from '#dist/protocol/shapes.js';

/** Parses the request that this small model describes. */
function parse(shapes: ModelShapes, json: unknown): unknown {
  return parseRequest(shapeNamed('Request', shapes), json);
}

/** Returns the rejection of a request, as `Type: message`. */
function rejection(shapes: ModelShapes, json: unknown): string | undefined {
  try {
    parse(shapes, json);
    return undefined;
  } catch (error) {
    const { type, message } = error as KmsError;
    return `${type}: ${message}`;
  }
}

/** Returns the rejection of a value of this shape, as the member `Value` of a request: the constraint alone. */
function problem(shape: ModelShape, value: unknown): string | undefined {
  const shapes: ModelShapes = {
    Request: { type: 'structure', members: { Value: 'Value' } },
    Value: shape,
    String: { type: 'string' },
  };
  const rejected = rejection(shapes, { Value: value });
  return rejected?.startsWith('SerializationException')
    ? 'SerializationException'
    : rejected?.split('failed to satisfy constraint: ')[1];
}

describe('The constraints of a request', () => {
  it('count the characters of strings and match whole strings', () => {
    const shape: ModelShape = { type: 'string', min: 2, max: 3, pattern: '[a-z]+' };
    expect(problem(shape, 'ab')).to.equal(undefined);
    expect(problem(shape, 'a')).to.equal('Member must have length greater than or equal to 2');
    expect(problem(shape, 'abcd')).to.equal('Member must have length less than or equal to 3');
    expect(problem(shape, 'a1')).to.equal('Member must satisfy regular expression pattern: [a-z]+');
  });

  it('read bytes from base64 only', () => {
    const shape: ModelShape = { type: 'blob', min: 1, max: 2 };
    expect(problem(shape, 'AQI=')).to.equal(undefined);
    for (const wrong of ['AQI', 'AQ-_', 'A===', ' AQI=', 'AQI=\n', '=']) {
      expect(problem(shape, wrong), wrong).to.equal('SerializationException');
    }
  });

  it('never quote bytes and other secrets', () => {
    for (const [shape, value] of [
      [{ type: 'blob', max: 2 }, 'AQID'],
      [{ type: 'string', max: 2, pattern: '[0-9]+', sensitive: true }, 'secret'],
    ] as const) {
      const shapes: ModelShapes = {
        Request: { type: 'structure', members: { Value: 'Value' } },
        Value: shape,
      };
      expect(rejection(shapes, { Value: value }))
        .to.include(`Value at 'value' failed to satisfy constraint`)
        .and.not.include(value);
    }
  });

  it('distinguish JSON types', () => {
    const shapes: [ModelShape, unknown][] = [
      [{ type: 'string' }, 'a'],
      [{ type: 'integer', min: 0, max: 9 }, 1],
      [{ type: 'boolean' }, true],
      [{ type: 'list', member: 'String' }, ['a']],
      [{ type: 'map' }, { a: 'b' }],
      [{ type: 'string', enum: ['a'] }, 'a'],
      [{ type: 'structure', members: { Inner: 'String' } }, { Inner: 'a' }],
    ];
    const values = ['a', 1, 1.5, true, ['a'], [1], { a: 'b' }];
    for (const [shape, good] of shapes) {
      expect(problem(shape, good)).to.equal(undefined);
      for (const value of values) {
        const isGood = JSON.stringify(value) === JSON.stringify(good);
        const isEither = typeof good === 'object' && typeof value === 'object';
        if (!isGood && !isEither) expect(problem(shape, value)).to.equal('SerializationException');
      }
    }
    expect(problem({ type: 'timestamp' }, 1.5)).to.equal(undefined);
    for (const wrong of ['2030-01-01', 1e300]) {
      expect(problem({ type: 'timestamp' }, wrong)).to.equal('SerializationException');
    }
  });

  it('take numbers and booleans of a map as strings, and nothing else', () => {
    const shapes: ModelShapes = {
      Request: { type: 'structure', members: { Context: 'Context' } },
      Context: { type: 'map' },
    };
    const json = '{"Context":{"a":1,"b":-1.5,"c":true,"__proto__":2,"d":"e"}}';
    expect(JSON.stringify(parse(shapes, JSON.parse(json)))).to.equal(
      '{"Context":{"a":"1","b":"-1.5","c":"true","__proto__":"2","d":"e"}}',
    );
    for (const wrong of [null, [], {}, ['a']]) {
      expect(problem({ type: 'map' }, { a: wrong })).to.equal('SerializationException');
    }
  });

  it('are all reported at once, each with its place', () => {
    const shapes: ModelShapes = {
      Request: {
        type: 'structure',
        members: { Tags: 'Tags', Limit: 'Limit', KeyId: 'KeyId' },
        required: ['Tags', 'KeyId'],
      },
      Tags: { type: 'list', member: 'Tag', max: 2 },
      Tag: { type: 'structure', members: { TagKey: 'TagKey' }, required: ['TagKey'] },
      TagKey: { type: 'string', min: 1 },
      Limit: { type: 'integer', min: 1, max: 10 },
      KeyId: { type: 'string' },
    };
    const json = { Tags: [{ TagKey: 'a' }, { TagKey: '' }, {}], Limit: 11 };
    expect(rejection(shapes, json)).to.equal(
      `ValidationException: ${[
        "5 validation errors detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 2",
        "Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1",
        "Value null at 'tags.3.member.tagKey' failed to satisfy constraint: Member must not be null",
        "Value '11' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10",
        "Value null at 'keyId' failed to satisfy constraint: Member must not be null",
      ].join('; ')}`,
    );
  });
});
