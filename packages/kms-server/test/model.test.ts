import * as sdk from '@aws-sdk/client-kms';
import { expect } from 'chai';
import { HANDLERS } from '#dist/operations/index.js';
import { OPERATIONS, SHAPES } from '#dist/protocol/model.js';
import { shapeNamed } from '#dist/protocol/shapes.js';
import { post, start } from './support.js';

// When these fail after an update of the SDK, AWS KMS has something new: get a new model with
// scripts/kms-model.js.

// The SDK exports a schema of each structure, error and operation: its kind, name and parts.
const [STRUCTURE, ERROR, OPERATION] = [3, -3, 9];
const exported = Object.values(sdk) as unknown[];
const schemas = exported.filter(
  (value): value is readonly unknown[] => Array.isArray(value) && typeof value[0] === 'number',
);
const ofKind = (kind: number) => schemas.filter((schema) => schema[0] === kind);
const nameOf = (schema: readonly unknown[]) => String(schema[2]);

describe("AWS's service model", () => {
  it('has the operations of the installed AWS SDK', () => {
    const names = ofKind(OPERATION).map(nameOf);
    expect(names).to.include('Encrypt');
    expect(Object.keys(OPERATIONS)).to.include.members(names);
  });

  it('has the members of the SDK, and requires the same ones', () => {
    const structures = ofKind(STRUCTURE);
    expect(structures.length).to.be.above(Object.keys(OPERATIONS).length);
    for (const schema of structures) {
      const [, , , , members = [], , requiredCount = 0] = schema as [
        ...[number, string, string, unknown, string[] | undefined],
        ...[unknown, number | undefined],
      ];
      const shape = SHAPES[nameOf(schema)];
      expect(Object.keys(shape?.members ?? {}), nameOf(schema)).to.include.members(members);
      expect(shape?.required ?? [], nameOf(schema)).to.have.members(
        members.slice(0, requiredCount),
      );
    }
  });

  it('has the values of the enumerations of the SDK', () => {
    const enumerations = Object.entries(sdk as Record<string, unknown>).filter(
      ([name, value]) => name !== 'default' && Object(value).constructor === Object,
    );
    expect(enumerations.length).to.be.above(20);
    for (const [name, values] of enumerations) {
      expect(SHAPES[name]?.enum, name).to.include.members(Object.values(values as object));
    }
  });

  it('has the errors of the SDK', () => {
    const base = 'KMSServiceException';
    const names = ofKind(ERROR)
      .map(nameOf)
      .filter((name) => name !== base);
    expect(names.length).to.be.above(40);
    expect(Object.keys(SHAPES)).to.include.members(names);
  });

  it('describes requests that the server can check', () => {
    for (const { input } of Object.values(OPERATIONS)) {
      expect(() => shapeNamed(input), input).not.to.throw();
    }
  });
});

describe('An operation', () => {
  it('that the server does not implement is answered as such, by name', async () => {
    await using subject = await start();
    const missing = Object.keys(OPERATIONS).filter((name) => !Object.hasOwn(HANDLERS, name));
    for (const name of missing) {
      const { status, text } = await post(subject.server.url, `TrentService.${name}`, '{}');
      expect(status).to.equal(400);
      expect(JSON.parse(text)).to.deep.equal({
        __type: 'UnsupportedOperationException',
        message: `${name} is an operation of AWS KMS that this server does not implement.`,
      });
    }
  });

  it('that AWS KMS does not have is unknown', async () => {
    await using subject = await start();
    for (const name of ['Encrpyt', 'constructor', '']) {
      const { text } = await post(subject.server.url, `TrentService.${name}`, '{}');
      expect(JSON.parse(text)).to.deep.equal({ __type: 'UnknownOperationException' });
    }
  });
});
