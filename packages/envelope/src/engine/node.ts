import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  createSecretKey,
  createSign,
  createVerify,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { wipe } from '@keywrap/core';
import {
  type AlgorithmSuite,
  COMMIT_KEY_LENGTH,
  type Curve,
  TAG_LENGTH,
} from '../format/algorithm-suite.js';
import { commitKeyInputs, encryptionKeyInputs, type HkdfInputs } from '../format/key-derivation.js';
import type { Engine, MessageKey, Signer, Verifier } from './engine.js';

/** The engine on node:crypto, which is OpenSSL. */
export const engine: Engine = {
  deriveKeys(suite, dataKey, messageId) {
    const commitKey = suite.commits
      ? hkdf(suite, dataKey, commitKeyInputs(messageId), COMMIT_KEY_LENGTH)
      : undefined;
    if (suite.hash === undefined) return { key: loadKey(suite, dataKey), commitKey };
    const derived = hkdf(suite, dataKey, encryptionKeyInputs(suite, messageId), suite.keyLength);
    const key = loadKey(suite, derived);
    wipe(derived);
    return { key, commitKey };
  },
  createSigner,
  createVerifier,
  isEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
};

function hkdf(
  { hash }: AlgorithmSuite,
  dataKey: Uint8Array,
  { salt, info }: HkdfInputs,
  length: number,
): Uint8Array {
  return new Uint8Array(hkdfSync(DIGEST[hash as keyof typeof DIGEST], dataKey, salt, info, length));
}

const DIGEST = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' } as const;
const GCM = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' } as const;

function loadKey({ keyLength }: AlgorithmSuite, bytes: Uint8Array): MessageKey {
  const algorithm = GCM[keyLength];
  // Holds a copy outside JavaScript's memory, which OpenSSL wipes when the object is collected.
  const key: KeyObject = createSecretKey(bytes);
  return {
    seal(iv, aad, plaintext, target) {
      const cipher = createCipheriv(algorithm, key, iv);
      cipher.setAAD(aad);
      if (plaintext.length > 0) target.set(cipher.update(plaintext));
      cipher.final();
      target.set(cipher.getAuthTag(), plaintext.length);
    },
    open(iv, aad, sealed, target) {
      const length = sealed.length - TAG_LENGTH;
      const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: TAG_LENGTH });
      decipher.setAAD(aad);
      decipher.setAuthTag(sealed.subarray(length));
      const plaintext = length > 0 ? decipher.update(sealed.subarray(0, length)) : undefined;
      try {
        decipher.final();
      } catch {
        if (plaintext !== undefined) wipe(plaintext); // not authentic, so no one may see it
        return false;
      }
      if (plaintext !== undefined) {
        target.set(plaintext);
        wipe(plaintext);
      }
      return true;
    },
  };
}

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
