import { ProviderClosedError, wipe } from '@keywrap/core';
import forge from '#forge';
import type { RsaPrivateKey, RsaPublicKey } from '../engine.js';
import { assertFitsOaep } from '../oaep-limits.js';
import { toBinaryString } from './binary-string.js';
import { bitsOf, itemsOf, parseDer, parsing } from './der.js';
import { decodeOaep, encodeOaep } from './oaep.js';

const { pki } = forge;
const { BigInteger } = forge.jsbn;
type BigInteger = forge.jsbn.BigInteger;

/**
 * Loads an RSA private key for use in JavaScript, on forge's big integers.
 *
 * Decryption keeps the event loop busy while it runs: some 30 ms for a key of 2048 bits. Its time
 * depends on the numbers in it; blinding keeps an attacker from choosing them.
 *
 * @param pkcs8 PrivateKeyInfo, DER.
 * @throws InvalidInputError for `keyMaterial` if it is not an RSA private key.
 */
export function loadRsaPrivateKey(pkcs8: Uint8Array): RsaPrivateKey {
  let key: forge.pki.rsa.PrivateKey | undefined = parsing(() =>
    pki.privateKeyFromAsn1(parseDer(pkcs8)),
  );
  const modulusLength = modulusLengthOf(key);
  return {
    modulusLength,
    async decrypt(ciphertext, hash) {
      if (key === undefined) throw new ProviderClosedError('The key was destroyed.');
      if (ciphertext.length !== modulusLength) return undefined; // RFC 8017 §7.1.2 step 1b
      const c = fromBytes(ciphertext);
      if (c.compareTo(key.n) >= 0) return undefined; // §5.1.2 step 1
      return decodeOaep(toBytes(decryptBlinded(c, key), modulusLength), hash);
    },
    // Neither forge's numbers nor the strings they came from can be wiped.
    destroy() {
      key = undefined;
    },
  };
}

/**
 * Loads an RSA public key for use in JavaScript, on forge's big integers.
 *
 * @param spki SubjectPublicKeyInfo, DER.
 * @throws InvalidInputError for `keyMaterial` if it is not an RSA public key.
 */
export function loadRsaPublicKey(spki: Uint8Array): RsaPublicKey {
  const bits = bitsOf(itemsOf(parseDer(spki))[1]);
  const key = parsing(() => pki.publicKeyFromAsn1(parseDer(bits)) as forge.pki.rsa.PublicKey);
  const modulusLength = modulusLengthOf(key);
  return {
    modulusLength,
    async encrypt(plaintext, hash) {
      assertFitsOaep(plaintext.length, modulusLength, hash);
      const encoded = encodeOaep(plaintext, modulusLength, hash);
      const message = fromBytes(encoded);
      wipe(encoded); // it unmasks without a key
      return toBytes(message.modPow(key.e, key.n), modulusLength); // RSAEP, §5.1.1
    },
  };
}

/**
 * RSADP on c·rᵉ instead of c, then a division by r, so that no attacker knows the number that is raised
 * to the secret power. forge's own decryption draws r from forge's generator.
 */
function decryptBlinded(c: BigInteger, key: forge.pki.rsa.PrivateKey): BigInteger {
  const [r, rInverse] = randomUnit(key);
  const blinded = c.multiply(r.modPow(key.e, key.n)).mod(key.n);
  return raiseByPrimes(blinded, key).multiply(rInverse).mod(key.n);
}

/** RSADP with the Chinese remainder theorem (RFC 8017 §5.1.2 step 2b). */
function raiseByPrimes(c: BigInteger, key: forge.pki.rsa.PrivateKey): BigInteger {
  const m1 = c.mod(key.p).modPow(key.dP, key.p);
  const m2 = c.mod(key.q).modPow(key.dQ, key.q);
  const h = m1.subtract(m2).multiply(key.qInv).mod(key.p);
  return m2.add(key.q.multiply(h));
}

/** A random number below n that has an inverse, and its inverse. */
function randomUnit(key: forge.pki.rsa.PrivateKey): [BigInteger, BigInteger] {
  for (;;) {
    const r = fromBytes(globalThis.crypto.getRandomValues(new Uint8Array(modulusLengthOf(key))));
    if (r.compareTo(key.n) >= 0 || r.signum() <= 0) continue;
    const inverse = r.modInverse(key.n); // zero if there is none
    if (inverse.signum() > 0) return [r, inverse];
  }
}

function modulusLengthOf({ n }: { n: BigInteger }): number {
  return Math.ceil(n.bitLength() / 8);
}

/** OS2IP (RFC 8017 §4.2). */
function fromBytes(bytes: Uint8Array): BigInteger {
  return new BigInteger(forge.util.bytesToHex(toBinaryString(bytes)), 16);
}

/** I2OSP (RFC 8017 §4.1). */
function toBytes(value: BigInteger, length: number): Uint8Array {
  const hex = value.toString(16).padStart(2 * length, '0');
  return Uint8Array.from({ length }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
