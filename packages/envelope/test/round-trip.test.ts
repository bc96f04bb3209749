import { open, seal } from '@keywrap/envelope';
import { expect } from 'chai';
import { hex, localKeys, randomBytes } from './support.js';

const encryptionContext = { order: '7', ü: 'ß' };

describe('seal and open', () => {
  for (const signed of [false, true]) {
    for (const length of [0, 1, 99, 100, 101, 200, 1000, 70_000]) {
      it(`round-trip ${length} bytes in frames of 100, ${signed ? '' : 'not '}signed`, async () => {
        await using keys = localKeys();
        const plaintext = randomBytes(length);
        const message = await seal(
          keys,
          { keyId: 'alias/a', encryptionContext, signed, frameLength: 100 },
          plaintext,
        );
        using opened = await open(keys, message, { trustedKeys: ['alias/a'], encryptionContext });
        expect(hex(opened.plaintext)).to.equal(hex(plaintext));
        expect(opened.encryptionContext).to.deep.equal(encryptionContext);
        expect(opened.algorithmSuite).to.equal(
          signed
            ? 'ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384'
            : 'ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY',
        );
      });
    }
  }
});
