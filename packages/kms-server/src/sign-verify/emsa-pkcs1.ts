import type { Hash } from './signatures.js';

/** DER of DigestInfo up to the digest (RFC 8017 §9.2, note 1). */
const DIGEST_INFO = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
} as const satisfies Record<Hash, string>;

/** The DigestInfo that EMSA-PKCS1-v1_5 pads (RFC 8017 §9.2, step 2). */
export function encodePkcs1(hash: Hash, digest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(DIGEST_INFO[hash], 'hex'), digest]);
}
