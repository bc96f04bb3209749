import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  privateEncrypt,
  publicDecrypt,
  type SignKeyObjectInput,
  sign as signAsync,
  timingSafeEqual,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyMaterial } from '@keywrap/provider-local/keys';
import { signEcdsa, verifyEcdsa } from './ecdsa.js';
import { encodePss, isPss } from './emsa-pss.js';

/** The signing algorithms of RSA and ECC keys, by KMS's names. */
export type SigningAlgorithm =
  `${'RSASSA_PSS' | 'RSASSA_PKCS1_V1_5' | 'ECDSA'}_SHA_${256 | 384 | 512}`;

/** The hash functions, by OpenSSL's names. */
export type Hash = 'sha256' | 'sha384' | 'sha512';

const signOnThreadPool = promisify(signAsync);

/** DER of DigestInfo up to the digest (RFC 8017 §9.2, note 1). */
const DIGEST_INFO = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
} as const satisfies Record<Hash, string>;

/** Returns the length in bytes of the digest that an algorithm signs. */
export function digestLength(algorithm: SigningAlgorithm): number {
  return Number(algorithm.slice(-3)) / 8;
}

/** Hashes a message with the hash function of the algorithm. */
export function hash(algorithm: SigningAlgorithm, message: Uint8Array): Uint8Array {
  return createHash(hashOf(algorithm)).update(message).digest();
}

/** Signs a message, on the thread pool. The salt of PSS is as long as the digest. */
export function signMessage(
  algorithm: SigningAlgorithm,
  material: KeyMaterial,
  message: Uint8Array,
): Promise<Uint8Array> {
  const key: SignKeyObjectInput = { key: privateKey(material) };
  if (isPssAlgorithm(algorithm)) {
    key.padding = constants.RSA_PKCS1_PSS_PADDING;
    key.saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  }
  return signOnThreadPool(hashOf(algorithm), message, key);
}

/**
 * Signs a digest. Through Node.js, OpenSSL hashes whatever it signs, so the message is encoded here, and
 * OpenSSL does the arithmetic of RSA.
 */
export function sign(
  algorithm: SigningAlgorithm,
  material: KeyMaterial,
  digest: Uint8Array,
): Uint8Array {
  const key = privateKey(material);
  if (key.asymmetricKeyType === 'ec') return signEcdsa(key, digest);
  if (!isPssAlgorithm(algorithm))
    return privateEncrypt(key, encodePkcs1(hashOf(algorithm), digest));
  const encoded = encodePss(hashOf(algorithm), digest, modulusLength(key));
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded);
}

/** Tells whether this is a signature of the digest. */
export function verify(
  algorithm: SigningAlgorithm,
  spki: Uint8Array,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  if (key.asymmetricKeyType === 'ec') return verifyEcdsa(key, digest, signature);
  if (signature.length !== modulusLength(key) / 8) return false;
  const hashName = hashOf(algorithm);
  try {
    if (!isPssAlgorithm(algorithm)) {
      const encoded = encodePkcs1(hashName, digest);
      const decoded = publicDecrypt(key, signature);
      return decoded.length === encoded.length && timingSafeEqual(decoded, encoded);
    }
    const encoded = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
    return isPss(hashName, digest, encoded, modulusLength(key));
  } catch {
    return false; // OpenSSL throws for a number or padding that no signature can have.
  }
}

/** The DigestInfo that EMSA-PKCS1-v1_5 pads (RFC 8017 §9.2, step 2). */
function encodePkcs1(hash: Hash, digest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(DIGEST_INFO[hash], 'hex'), digest]);
}

function isPssAlgorithm(algorithm: SigningAlgorithm): boolean {
  return algorithm.startsWith('RSASSA_PSS_');
}

function hashOf(algorithm: SigningAlgorithm): Hash {
  return `sha${algorithm.slice(-3)}` as Hash;
}

const loaded = new WeakMap<KeyMaterial, KeyObject>();

/** Loading checks the key, which takes longer than signing with it. */
function privateKey(material: KeyMaterial): KeyObject {
  let key = loaded.get(material);
  if (key === undefined) {
    const { bytes } = material;
    // A view of the same memory: a copy would have to be wiped.
    const der = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    loaded.set(material, key);
    material.onDestroy(() => loaded.delete(material));
  }
  return key;
}

/** In bits. */
function modulusLength(key: KeyObject): number {
  return key.asymmetricKeyDetails?.modulusLength as number;
}
