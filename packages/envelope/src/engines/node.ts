import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  createSign,
  createVerify,
  generateKeyPairSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { AbortError, copyBytes, wipe } from '@keywrap/core';
import {
  type AlgorithmSuite,
  COMMIT_KEY_LENGTH,
  type Curve,
  TAG_LENGTH,
} from '../format/algorithm-suite.js';
import { COMMIT_KEY_INFO, encryptionKeyInputs } from '../format/key-derivation.js';
import type { Engine, MessageKey, Signer, Verifier } from './engine.js';

/** The engine on node:crypto, which is OpenSSL. */
export const engine: Engine = {
  deriveKeys(suite, dataKey, messageId) {
    if (suite.hash === undefined) {
      return { key: new NodeMessageKey(suite, copyBytes(dataKey)), commitKey: undefined };
    }
    const hash = DIGEST[suite.hash];
    const inputs = encryptionKeyInputs(suite, messageId);
    // "SHOULD only perform the extract step once", for which hkdfSync has no way; it takes twice as long.
    const pseudorandomKey = createHmac(hash, inputs.salt).update(dataKey).digest();
    const derived = expand(hash, pseudorandomKey, inputs.info);
    wipe(derived.subarray(suite.keyLength));
    const key = new NodeMessageKey(suite, derived.subarray(0, suite.keyLength));
    const commitKey = suite.commits
      ? expand(hash, pseudorandomKey, COMMIT_KEY_INFO).subarray(0, COMMIT_KEY_LENGTH)
      : undefined;
    wipe(pseudorandomKey);
    return { key, commitKey };
  },
  createSigner,
  createVerifier,
  isEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  hash: (dataKey) => createHash('sha256').update(dataKey).digest(),
};

const DIGEST = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' } as const;

/** The first block of HKDF-Expand (RFC 5869 §2.3), as long as the hash: no suite needs a second one. */
function expand(hash: string, pseudorandomKey: Uint8Array, info: Uint8Array): Buffer {
  return createHmac(hash, pseudorandomKey).update(info).update(ONE).digest();
}

const ONE = Uint8Array.of(1);

const GCM = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' } as const;

/** A KeyObject would keep the key until it is collected; these bytes are wiped with the message. */
class NodeMessageKey implements MessageKey {
  readonly #algorithm: (typeof GCM)[keyof typeof GCM];
  readonly #bytes: Uint8Array;
  #isWiped = false;

  /** @param bytes Pass into its ownership. */
  constructor({ keyLength }: AlgorithmSuite, bytes: Uint8Array) {
    this.#algorithm = GCM[keyLength];
    this.#bytes = bytes;
  }

  seal(iv: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, target: Uint8Array): void {
    const cipher = createCipheriv(this.#algorithm, this.#key(), iv);
    cipher.setAAD(aad);
    if (plaintext.length > 0) target.set(cipher.update(plaintext));
    cipher.final();
    target.set(cipher.getAuthTag(), plaintext.length);
  }

  open(iv: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const length = sealed.length - TAG_LENGTH;
    const decipher = createDecipheriv(this.#algorithm, this.#key(), iv, AUTH_TAG_LENGTH);
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(length));
    const plaintext = length > 0 ? decipher.update(sealed.subarray(0, length)) : NOTHING;
    try {
      decipher.final();
      return plaintext;
    } catch {
      wipe(plaintext); // not authentic, so no one may see it
      return undefined;
    }
  }

  wipe(): void {
    this.#isWiped = true;
    wipe(this.#bytes);
  }

  #key(): Uint8Array {
    // Zeros would seal under a key that anyone can guess.
    if (this.#isWiped) throw new AbortError('the message was given up');
    return this.#bytes;
  }
}

const AUTH_TAG_LENGTH = { authTagLength: TAG_LENGTH };
const NOTHING = new Uint8Array();

const SIGNATURE_DIGEST = { 'P-256': 'sha256', 'P-384': 'sha384' } as const;

function createSigner(curve: Curve): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const { x, y } = publicKey.export({ format: 'jwk' }) as { x: string; y: string };
  // SEC 1 §2.3.3: 2 and the parity of y, then x.
  const parity = (Buffer.from(y, 'base64url').at(-1) as number) & 1;
  const sign = createSign(SIGNATURE_DIGEST[curve]);
  return {
    publicKey: Uint8Array.of(2 + parity, ...Buffer.from(x, 'base64url')),
    update: (part) => void sign.update(part),
    sign: () => sign.sign(privateKey),
  };
}

function createVerifier(curve: Curve, publicKey: Uint8Array): Verifier | undefined {
  const key = loadPublicKey(curve, publicKey);
  if (key === undefined) return undefined;
  const verify = createVerify(SIGNATURE_DIGEST[curve]);
  return {
    update: (part) => void verify.update(part),
    verify: (signature) => verify.verify(key, signature),
  };
}

/** SubjectPublicKeyInfo (RFC 5480 §2) of a compressed point, up to the point. */
const SPKI_START = {
  'P-256': Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
  'P-384': Buffer.from('3046301006072a8648ce3d020106052b81040022033200', 'hex'),
} as const;
const POINT_LENGTH = { 'P-256': 33, 'P-384': 49 } as const;

function loadPublicKey(curve: Curve, point: Uint8Array): KeyObject | undefined {
  if (point.length !== POINT_LENGTH[curve]) return undefined;
  try {
    const key = Buffer.concat([SPKI_START[curve], point]);
    return createPublicKey({ key, format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
