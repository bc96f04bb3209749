import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { derMutation } from '#dist/der-mutation.js';
import { jsonMutation } from '#dist/json-mutation.js';
import type { Mutation } from '#dist/mutation.js';
import {
  itemsOf,
  octetsOf,
  parseDer,
} from '../../../packages/provider-local/dist/cipher/engines/forge/der.js';

// Of inputs that are all rejected at the first byte, none would find anything.

const RUNS = { seed: 1, numRuns: 500 };

/** Counts inputs that differ from the one they were built from, and still parse. */
function valid(
  samples: readonly Uint8Array[],
  seed: Uint8Array,
  parse: (input: Uint8Array) => unknown,
): number {
  return samples.filter((input) => {
    try {
      parse(input);
      return Buffer.compare(input, seed) !== 0;
    } catch {
      return false;
    }
  }).length;
}

describe('Inputs that are nearly valid', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const der = new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }));

  it('stay DER if they are built from DER', () => {
    const changed = derMutation(0).map((mutate: Mutation) => mutate(der, [der]));
    expect(valid(fc.sample(changed, RUNS), der, parseDer)).to.be.above(400);
  });

  it('are JSON still, when JSON is', () => {
    const json = { id: 'a', list: [1, { b: 'text, with "quotes"' }], none: null, map: { c: [] } };
    const seed = new Uint8Array(Buffer.from(JSON.stringify(json)));
    const parse = (input: Uint8Array) => JSON.parse(Buffer.from(input).toString());
    const changed = jsonMutation.map((mutate: Mutation) => mutate(seed, [seed]));
    expect(valid(fc.sample(changed, RUNS), seed, parse)).to.be.above(300);
  });

  it('reach into DER that is within DER', () => {
    const inner = (input: Uint8Array) => octetsOf(itemsOf(parseDer(input))[2]);
    const parse = (input: Uint8Array) => {
      expect(inner(input)).not.to.equal(inner(der));
      parseDer(inner(input));
    };
    const changed = derMutation(0).map((mutate: Mutation) => mutate(der, [der]));
    expect(valid(fc.sample(changed, RUNS), der, parse)).to.be.above(100);
  });
});
