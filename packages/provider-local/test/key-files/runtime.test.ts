import nodeCrypto from 'node:crypto';
import { InvalidInputError } from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { hashRepeatedly } from '#dist/key-files/derivation.js';
import { readKeyMaterial } from '#dist/key-files/index.js';
import { fixture, PASSPHRASE, PLATFORMS, useBrowserPlatform } from './support.js';

describe('A runtime that fails', () => {
  afterEach(() => sinon.restore());
  const failure = new Error('the runtime failed');

  const CALLS = [
    ['getBuiltinModule', () => sinon.stub(process, 'getBuiltinModule').throws(failure)],
    ['pbkdf2', () => sinon.stub(nodeCrypto, 'pbkdf2').yields(failure)],
    ['hash', () => sinon.stub(nodeCrypto, 'hash').throws(failure)],
    ['createDecipheriv', () => sinon.stub(nodeCrypto, 'createDecipheriv').throws(failure)],
  ] as const;
  for (const [name, stub] of CALLS) {
    it(`${name}: is not blamed on the key or the passphrase`, async () => {
      stub();
      const file = fixture('p256.p12');
      const error = await readKeyMaterial(file, { passphrase: PASSPHRASE }).catch((e) => e);
      expect(error).to.equal(failure).and.not.to.be.instanceOf(InvalidInputError);
    });
  }
});

for (const name of PLATFORMS) {
  describe(`Iterated hashing, by ${name}`, () => {
    if (name === 'node-forge') useBrowserPlatform();

    it('yields to the event loop after each 10,000', async () => {
      const { selectPlatform } = await import('#dist/key-files/platform.js');
      const platform = await selectPlatform();
      const hash = sinon.spy(platform, 'hash');
      let turns = 0;
      const count = () => {
        turns++;
        timer = setImmediate(count);
      };
      let timer = setImmediate(count);
      const data = new Uint8Array([1, 2, 3]);
      const derived = await hashRepeatedly(platform, 'sha1', data, 35_000);
      clearImmediate(timer);
      expect(hash.args.map(([, , times]) => times)).to.deep.equal([10_000, 10_000, 10_000, 5_000]);
      expect(turns).to.be.greaterThan(1);
      hash.restore();
      expect(derived).to.deep.equal(platform.hash('sha1', data, 35_000));
    });
  });
}
