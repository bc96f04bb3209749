import { InvalidInputError } from '@keywrap/core';
import forge from 'node-forge';
import { fromBinaryString, toBinaryString } from '../cipher/engines/forge/binary-string.js';
import { equalSecrets } from '../keys/equal-secrets.js';
import {
  type Asn1,
  derBytes,
  derString,
  explicit,
  explicitOf,
  integer,
  isContext,
  itemsOf,
  malformed,
  nullValue,
  objectIdentifier,
  octetString,
  octetsOf,
  oidOf,
  parseDer,
  sequence,
} from './der.js';
import { type Digest, digestOf } from './digest.js';
import { OID } from './object-identifiers.js';
import {
  decryptWithPassphrase,
  encryptWithPassphrase,
  ITERATIONS,
  IterationBudget,
  requirePassphrase,
  unsupportedEncryption,
  wrongPassphrase,
} from './password-based-encryption.js';
import { derivePkcs12, PURPOSE } from './pkcs12-kdf.js';

/** Writers use two: certificates and keys. Each may be encrypted and so cost a key derivation. */
const MAXIMUM_CONTENTS = 8;

/**
 * Finds the private key in a PKCS#12 file (PFX, RFC 7292 §4). Certificates are passed over. node-forge's
 * own reader knows RSA keys of two primes only, and derives every key in JavaScript.
 *
 * @returns PrivateKeyInfo.
 * @throws InvalidInputError for `passphrase` if it is missing or wrong, for `keyMaterial` if there is no
 *   private key or more than one.
 */
export async function readPkcs12(pfx: Asn1, passphrase: string | undefined): Promise<Asn1> {
  const [, authSafe, macData] = itemsOf(pfx);
  const contents = dataOf(authSafe); // the other content type is signed with a certificate
  const budget = new IterationBudget();
  if (macData !== undefined) {
    await verifyMac(macData, contents, requirePassphrase(passphrase), budget);
  }

  const safes = itemsOf(parseDer(contents));
  if (safes.length > MAXIMUM_CONTENTS) throw malformed();
  const bags: KeyBag[] = [];
  for (const safe of safes) bags.push(...keyBagsOf(await openSafe(safe, passphrase, budget)));

  const [bag, ...more] = bags;
  if (bag === undefined) throw new InvalidInputError('keyMaterial', 'holds no private key');
  if (more.length > 0) {
    throw new InvalidInputError('keyMaterial', 'holds more than one private key');
  }
  if (bag.type === OID.keyBag) return bag.value;
  const [algorithm, ciphertext] = itemsOf(bag.value); // EncryptedPrivateKeyInfo
  return decryptWithPassphrase(algorithm, octetsOf(ciphertext), passphrase, budget);
}

/**
 * Writes a PKCS#12 file with one private key and no certificate. The key is encrypted as in
 * EncryptedPrivateKeyInfo; the MAC is HMAC-SHA-256 with as many iterations, as it is another way to try
 * passphrases.
 *
 * @param privateKeyInfo PrivateKeyInfo.
 */
export async function writePkcs12(privateKeyInfo: Asn1, passphrase: string): Promise<Uint8Array> {
  const shrouded = await encryptWithPassphrase(privateKeyInfo, passphrase);
  const bag = sequence(objectIdentifier(OID.pkcs8ShroudedKeyBag), explicit(0, shrouded));
  const contents = derString(sequence(data(derString(sequence(bag)))));

  const salt = toBinaryString(globalThis.crypto.getRandomValues(new Uint8Array(16)));
  const sha256 = digestOf(OID['id-sha256']) as Digest;
  const mac = await computeMac(sha256, contents, salt, ITERATIONS, passphrase);
  const digestAlgorithm = sequence(objectIdentifier(OID['id-sha256']), nullValue());
  return derBytes(
    sequence(
      integer(3), // v3, the only version of RFC 7292
      data(contents),
      sequence(sequence(digestAlgorithm, octetString(mac)), octetString(salt), integer(ITERATIONS)),
    ),
  );
}

/** MacData (RFC 7292 §4). */
async function verifyMac(
  macData: Asn1,
  contents: string,
  passphrase: string,
  budget: IterationBudget,
): Promise<void> {
  const [mac, salt, count] = itemsOf(macData);
  const [algorithm, expected] = itemsOf(mac);
  const oid = oidOf(itemsOf(algorithm)[0]);
  const digest = digestOf(oid);
  if (digest === undefined) throw unsupportedEncryption(oid);
  const iterations = count === undefined ? 1 : budget.take(count, 'PKCS#12');
  const computed = await computeMac(digest, contents, octetsOf(salt), iterations, passphrase);
  const isRight = equalSecrets(fromBinaryString(computed), fromBinaryString(octetsOf(expected)));
  if (!isRight) throw wrongPassphrase();
}

/** HMAC over the contents, under a key as long as the hash (RFC 7292 §5.1 step 5). */
async function computeMac(
  digest: Digest,
  contents: string,
  salt: string,
  iterations: number,
  passphrase: string,
): Promise<string> {
  const length = digest.digestLength;
  const key = await derivePkcs12(digest, passphrase, salt, iterations, PURPOSE.mac, length);
  const hmac = forge.hmac.create();
  hmac.start(digest, key);
  hmac.update(contents);
  return hmac.getMac().getBytes();
}

/** SafeContents from one ContentInfo of the AuthenticatedSafe. */
async function openSafe(
  contentInfo: Asn1,
  passphrase: string | undefined,
  budget: IterationBudget,
): Promise<Asn1> {
  const [type, content] = itemsOf(contentInfo);
  if (oidOf(type) !== OID['id-encryptedData']) return parseDer(dataOf(contentInfo));

  // EncryptedData (RFC 5652 §8): version, then EncryptedContentInfo.
  const [, encrypted] = itemsOf(explicitOf(content, 0));
  const [, algorithm, ciphertext] = itemsOf(encrypted);
  return decryptWithPassphrase(algorithm, implicitOctetsOf(ciphertext), passphrase, budget);
}

interface KeyBag {
  readonly type: string;
  readonly value: Asn1;
}

/** The bags with private keys (RFC 7292 §4.2.1 and §4.2.2). */
function keyBagsOf(safeContents: Asn1): KeyBag[] {
  return itemsOf(safeContents).flatMap((bag) => {
    const [oid, content] = itemsOf(bag);
    const type = oidOf(oid);
    if (type !== OID.keyBag && type !== OID.pkcs8ShroudedKeyBag) return [];
    const value = explicitOf(content, 0);
    if (value === undefined) throw malformed();
    return [{ type, value }];
  });
}

/** ContentInfo of type id-data (RFC 5652 §4) around a binary string. */
function data(contents: string): Asn1 {
  return sequence(objectIdentifier(OID['id-data']), explicit(0, octetString(contents)));
}

/** What a ContentInfo of type id-data holds, as a binary string. */
function dataOf(contentInfo: Asn1 | undefined): string {
  const [type, content] = itemsOf(contentInfo);
  if (oidOf(type) !== OID['id-data']) throw unsupportedEncryption(oidOf(type));
  return octetsOf(explicitOf(content, 0));
}

/** `[0] IMPLICIT OCTET STRING`; BER may have cut it into pieces. */
function implicitOctetsOf(value: Asn1 | undefined): string {
  if (!isContext(value, 0)) throw malformed();
  return typeof value.value === 'string' ? value.value : value.value.map(octetsOf).join('');
}
