import { expect } from 'chai';
import { crc32c } from '#dist/crc32c.js';

// RFC 3720, appendix B.4; the check value of the catalogue of CRCs.
const VECTORS: readonly (readonly [title: string, bytes: Uint8Array, crc: number])[] = [
  ['32 bytes of zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 incrementing bytes', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['32 decrementing bytes', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ['123456789', Buffer.from('123456789'), 0xe3069283],
  ['no bytes', new Uint8Array(), 0],
];

describe('CRC32C', () => {
  for (const [title, bytes, crc] of VECTORS) {
    it(`of ${title} is that of RFC 3720`, () => {
      expect(crc32c(bytes)).to.equal(crc);
    });
  }
});
