import { expect } from 'chai';
import { hex, loadVectors } from '../vectors/load.js';
import { AES } from './engines.js';

interface AesGcmFile {
  readonly testGroups: readonly {
    readonly ivSize: number;
    readonly keySize: number;
    readonly tagSize: number;
    readonly tests: readonly ({
      readonly tcId: number;
      readonly result: 'valid' | 'invalid';
    } & Record<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag', string>)[];
  }[];
}

const groups = loadVectors<AesGcmFile>('wycheproof/aes_gcm_test.json').testGroups.filter(
  ({ ivSize, tagSize }) => ivSize === 96 && tagSize === 128,
);

for (const [name, aes] of Object.entries(AES)) {
  describe(`AES-GCM of the ${name} engine (Wycheproof)`, () => {
    it('is tested with all three key sizes', () => {
      expect(groups.map(({ keySize }) => keySize)).to.have.members([128, 192, 256]);
    });

    for (const { keySize, tests } of groups) {
      it(`agrees with all ${tests.length} vectors for ${keySize}-bit keys`, () => {
        for (const test of tests) {
          const [key, iv, aad, msg] = [test.key, test.iv, test.aad, test.msg].map(hex) as [
            Uint8Array,
            Uint8Array,
            Uint8Array,
            Uint8Array,
          ];
          const sealed = hex(test.ct + test.tag);
          const label = `tcId ${test.tcId}`;
          if (test.result === 'valid') {
            expect(aes.seal(key, iv, msg, aad), label).to.deep.equal(sealed);
            expect(aes.open(key, iv, sealed, aad), label).to.deep.equal(msg);
          } else {
            expect(aes.open(key, iv, sealed, aad), label).to.equal(undefined);
          }
        }
      });
    }
  });
}
