import { expect } from 'chai';
import fc from 'fast-check';
import { decodeAlias, decodeKey, encodeAlias, encodeKey } from '#dist/store/records.js';
import { aliasArnOf, arnOf, fullKey, newAlias, newKey, readable } from './support.js';

const A = arnOf('a');

/** The sealed content, with another header. */
function withHeader(
  content: Uint8Array,
  change: (header: Record<string, unknown>) => void,
): Uint8Array {
  const length = Buffer.from(content).readUInt32BE(0);
  const header = JSON.parse(Buffer.from(content.subarray(4, 4 + length)).toString());
  change(header);
  const json = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(4);
  start.writeUInt32BE(json.length);
  return Buffer.concat([start, json, content.subarray(4 + length)]);
}

/** Every place in JSON: the object or array, and the name in it. */
function placesOf(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((name) => [[holder, name], ...placesOf(holder[name])]) as [
    Record<string, unknown>,
    string,
  ][];
}

describe('The sealed content of a row', () => {
  it('has exactly the fields of a record', () => {
    const record = { ...fullKey('a'), extra: 'lost' };
    const content = encodeKey({ ...record, scope: { ...record.scope, more: 1 } as never });
    const { extra: _, ...rest } = record;
    expect(readable(decodeKey(A, 'a', content))).to.deep.equal(readable(rest));
    const alias = newAlias('x', 'a');
    expect(decodeAlias(aliasArnOf('x'), A, encodeAlias(alias))).to.deep.equal(alias);
  });

  it('is wiped when it is decoded, and has no material in its text', () => {
    const record = newKey('a');
    const content = encodeKey(record);
    const material = Buffer.from(record.versions[0]?.material?.bytes as Uint8Array);
    expect(Buffer.from(content).includes(material)).to.equal(true);
    expect(decodeKey(A, 'a', content)).not.to.equal(undefined);
    expect(content.every((byte) => byte === 0)).to.equal(true);
  });

  it('is rejected under another ARN or id', () => {
    const content = encodeKey(newKey('a'));
    expect(decodeKey(arnOf('b'), 'b', content.slice())).not.to.equal(undefined);
    expect(decodeKey(A, 'b', content.slice())).to.equal(undefined);
    expect(decodeKey(A.replace('eu-', 'us-'), 'a', content.slice())).to.equal(undefined);
    const alias = encodeAlias(newAlias('x', 'a'));
    expect(decodeAlias(aliasArnOf('x'), A.replace('eu-', 'us-'), alias.slice())).to.equal(
      undefined,
    );
    expect(decodeAlias(aliasArnOf('x').replace('eu-', 'us-'), A, alias.slice())).to.equal(
      undefined,
    );
  });

  it('decodes to undefined if any field has the wrong type, and never throws', () => {
    const content = encodeKey(fullKey('a'));
    const count = JSON.stringify(placesOf(headerOf(content)));
    expect(count.length).to.be.greaterThan(100);
    const json = fc.oneof(
      fc.constantFrom(null, true, -1, 0.5, {}, [], '', '2026-13-01T00:00:00.000Z'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.nat(), json, (index, value) => {
        const changed = withHeader(content, (header) => {
          const places = placesOf(header);
          const [holder, name] = places[index % places.length] as [Record<string, unknown>, string];
          holder[name] = value;
        });
        try {
          const record = decodeKey(A, 'a', changed);
          // An accepted record is complete, and can be written again.
          if (record !== undefined) expect(encodeKey(record).length).to.be.greaterThan(0);
        } catch (error) {
          expect((error as { code?: string }).code).to.equal('UNSUPPORTED');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('decodes to undefined if it is shorter or longer', () => {
    const content = encodeKey(newKey('a'));
    for (let length = 0; length < content.length; length++) {
      expect(decodeKey(A, 'a', content.slice(0, length)), String(length)).to.equal(undefined);
    }
    expect(decodeKey(A, 'a', Buffer.concat([content, Buffer.alloc(1)]))).to.equal(undefined);
  });

  it('is rejected when a newer release wrote a field that this one would lose (UNSUPPORTED)', () => {
    const content = withHeader(encodeKey(newKey('a')), (header) => {
      header.grants = [];
    });
    expect(() => decodeKey(A, 'a', content))
      .to.throw()
      .with.property('code', 'UNSUPPORTED');
  });

  it('inherits nothing from a polluted Object.prototype', () => {
    const content = encodeKey(newKey('a'));
    Object.assign(Object.prototype, {
      policy: 'polluted',
      deletionDate: '2026-01-01T00:00:00.000Z',
    });
    try {
      const record = decodeKey(A, 'a', content);
      expect(record?.policy).to.equal(undefined);
      expect(record?.deletionDate).to.equal(undefined);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'policy');
      Reflect.deleteProperty(Object.prototype, 'deletionDate');
    }
  });
});

function headerOf(content: Uint8Array): unknown {
  let header: unknown;
  withHeader(content, (read) => {
    header = read;
  });
  return header;
}
