import { InvalidInputError, type OwnedBytes, wipe } from '@keywrap/core';
import * as asn1 from '../cipher/engines/forge/der.js';
import { equalSecrets } from '../cipher/equal-secrets.js';
import {
  type Decryption,
  deriveKey,
  derivePkcs12,
  HMACS,
  lookUp,
  PURPOSE,
  unsupportedEncryption,
} from './derivation.js';
import {
  type Decrypted,
  decodeDecrypted,
  decryptPrivateKeyInfo,
  decryptWithPassword,
  encryptWithPassphrase,
  ITERATIONS,
  wrongPassphrase,
} from './encryption.js';
import type { Hash, Platform } from './platform.js';

type Asn1 = asn1.Asn1;

/** RFC 7292 §4.2, RFC 5652 §4 and §8, RFC 9579 §4 */
const KEY_BAG = '1.2.840.113549.1.12.10.1.1';
const SHROUDED_KEY_BAG = '1.2.840.113549.1.12.10.1.2';
const KEY_BAGS = new Set([KEY_BAG, SHROUDED_KEY_BAG]);
const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const PBMAC1 = '1.2.840.113549.1.5.14';

/** RFC 3370 §2.1 and RFC 5754 §2 */
const HASHES: Readonly<Record<string, Hash>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.6': 'sha512-256',
};

/** Programs write two: certificates and keys. Each may be encrypted, and so costs a key derivation. */
const MAXIMUM_CONTENTS = 8;

/**
 * Finds the private key in a PKCS#12 file (PFX, RFC 7292 §4); certificates are ignored. node-forge's reader
 * has fewer ciphers, lacks PBMAC1, and blocks the event loop while it derives keys.
 *
 * @throws InvalidInputError for `passphrase` if it is wrong; for `keyMaterial` if there is no private
 *   key or more than one.
 */
export async function decodePkcs12(decryption: Decryption, pfx: Asn1): Promise<Decrypted> {
  const [, authSafe, macData] = asn1.itemsOf(pfx);
  const contents = dataOf(authSafe); // the other content type is signed with a certificate
  if (macData !== undefined) await verifyMac(decryption, macData, contents);
  const safes = asn1.itemsOf(asn1.parseDer(contents));
  if (safes.length > MAXIMUM_CONTENTS) throw asn1.malformed();
  let isTrusted = true;
  const contentBags: Asn1[][] = [];
  for (const safe of safes) {
    const [type, content] = asn1.itemsOf(safe);
    if (asn1.oidOf(type) === ENCRYPTED_DATA) {
      // EncryptedData (RFC 5652 §8): version, then EncryptedContentInfo.
      const [, encrypted] = asn1.itemsOf(asn1.explicitOf(content, 0));
      const [, algorithm, ciphertext] = asn1.itemsOf(encrypted);
      const octets = asn1.octetsOf(ciphertext);
      contentBags.push(asn1.itemsOf(await decryptWithPassword(decryption, algorithm, octets)));
      isTrusted = macData !== undefined;
    } else {
      contentBags.push(asn1.itemsOf(asn1.parseDer(dataOf(safe))));
    }
  }
  return decodeDecrypted(isTrusted, async () => {
    const [bag, ...more] = contentBags
      .flat()
      .map(asn1.itemsOf)
      .filter(([type]) => KEY_BAGS.has(asn1.oidOf(type)));
    if (bag === undefined) throw new InvalidInputError('keyMaterial', 'holds no private key');
    if (more.length > 0) {
      throw new InvalidInputError('keyMaterial', 'holds more than one private key');
    }
    const value = asn1.explicitOf(bag[1], 0);
    if (value === undefined) throw asn1.malformed();
    if (asn1.oidOf(bag[0]) === KEY_BAG) return { privateKeyInfo: value, isTrusted };
    const decrypted = await decryptPrivateKeyInfo(decryption, value);
    return { ...decrypted, isTrusted: macData !== undefined };
  });
}

/**
 * Encodes a PKCS#12 file with one private key, PrivateKeyInfo in DER, and no certificate. The key is
 * encrypted as in EncryptedPrivateKeyInfo. The MAC is HMAC-SHA-256 with as many iterations, because an
 * attacker could use it too to test passphrases.
 */
export async function writePkcs12(
  platform: Platform,
  privateKeyInfo: Uint8Array,
  passphrase: string,
): Promise<OwnedBytes> {
  const { derBytes, explicit, integer, objectIdentifier, octetString, sequence } = asn1;
  const data = (contents: Uint8Array) =>
    sequence(objectIdentifier(DATA), explicit(0, octetString(contents)));
  const shrouded = await encryptWithPassphrase(platform, privateKeyInfo, passphrase);
  const bag = sequence(objectIdentifier(SHROUDED_KEY_BAG), explicit(0, shrouded));
  const contents = derBytes(sequence(data(derBytes(sequence(bag)))));
  const salt = globalThis.crypto.getRandomValues(new Uint8Array(16));
  const key = await deriveMacKey(platform, 'sha256', passphrase, salt, ITERATIONS);
  const mac = platform.hmac('sha256', key, contents);
  wipe(key);
  const sha256 = sequence(objectIdentifier('2.16.840.1.101.3.4.2.1'), asn1.nullValue());
  const digestInfo = sequence(sha256, octetString(mac));
  const macData = sequence(digestInfo, octetString(salt), integer(ITERATIONS));
  return derBytes(sequence(integer(3), data(contents), macData)); // v3, the only version of RFC 7292
}

/** MacData (RFC 7292 §4), or PBMAC1 in its place (RFC 9579 §4). */
async function verifyMac(
  decryption: Decryption,
  macData: Asn1,
  contents: Uint8Array,
): Promise<void> {
  const { platform, budget, password } = decryption;
  const [digestInfo, salt, count] = asn1.itemsOf(macData);
  const [algorithm, expected] = asn1.itemsOf(digestInfo);
  const [oid, parameters] = asn1.itemsOf(algorithm);
  let hash: Hash;
  let key: Uint8Array;
  if (asn1.oidOf(oid) === PBMAC1) {
    const [kdf, scheme] = asn1.itemsOf(parameters);
    hash = lookUp(HMACS, asn1.itemsOf(scheme)[0]);
    key = await deriveKey(decryption, kdf);
  } else {
    hash = lookUp(HASHES, oid);
    const n = budget.take('PKCS#12', count === undefined ? 1 : asn1.countOf(count));
    key = await deriveMacKey(platform, hash, password, asn1.octetsOf(salt), n);
  }
  const computed = platform.hmac(hash, key, contents);
  wipe(key);
  if (!equalSecrets(computed, asn1.octetsOf(expected))) throw wrongPassphrase();
}

/** The key is as long as the hash (RFC 7292 §5.1 step 5). */
function deriveMacKey(
  platform: Platform,
  hash: Hash,
  password: string | null,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  const length = platform.hash(hash, new Uint8Array()).length;
  return derivePkcs12(platform, hash, password, salt, iterations, PURPOSE.mac, length);
}

/** Returns the content of a ContentInfo of type id-data (RFC 5652 §4). */
function dataOf(contentInfo: Asn1 | undefined): Uint8Array {
  const [type, content] = asn1.itemsOf(contentInfo);
  if (asn1.oidOf(type) !== DATA) throw unsupportedEncryption(asn1.oidOf(type));
  return asn1.octetsOf(asn1.explicitOf(content, 0));
}
