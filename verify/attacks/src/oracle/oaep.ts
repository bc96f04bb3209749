import { constants, createHash, type KeyObject, publicEncrypt } from 'node:crypto';

// Ciphertexts that fail in every way in which RSAES-OAEP can. Each encoded message is built by hand
// (RFC 8017 §7.1.1 step 2), damaged, and raised to the public exponent.

/** The plaintext of the genuine ciphertext; no byte of it is 01, the separator. */
export const MESSAGE = Uint8Array.of(5, 6, 7, 8);

type Hash = 'sha1' | 'sha256';

/** The parts of an encoded message before masking, to be damaged. */
interface Parts {
  y: number;
  readonly seed: Buffer;
  /** lHash ‖ PS ‖ 01 ‖ M */
  readonly db: Buffer;
  readonly hashLength: number;
}

type Spoil = (parts: Parts) => void;

/** Which check of RFC 8017 §7.1.2 step 3g each fails; Manger's attack needs to tell the first from the others. */
const SPOILS: Readonly<Record<string, Spoil>> = {
  'Y is 1': (parts) => {
    parts.y = 1;
  },
  'the first byte of lHash is wrong': ({ db }) => flip(db, 0),
  'the last byte of lHash is wrong': ({ db, hashLength }) => flip(db, hashLength - 1),
  'PS begins with another byte': ({ db, hashLength }) => db.writeUInt8(2, hashLength),
  'PS ends with another byte': ({ db }) => db.writeUInt8(0xff, db.length - MESSAGE.length - 2),
  'there is no 01': ({ db }) => db.writeUInt8(0, db.length - MESSAGE.length - 1),
  'there is nothing but zeros after lHash': ({ db, hashLength }) => db.fill(0, hashLength),
  'Y and lHash are wrong': (parts) => {
    parts.y = 1;
    flip(parts.db, 0);
  },
};

/** A ciphertext of {@link MESSAGE}: it proves that the others fail only for their own reason. */
export function genuine(key: KeyObject, hash: Hash): Uint8Array {
  return encrypt(
    key,
    encode(key, hash, () => {}),
  );
}

/** The reason of the failure, and the ciphertext. */
export function spoiled(key: KeyObject, hash: Hash): ReadonlyMap<string, Uint8Array> {
  const whole = genuine(key, hash);
  const cases = Object.entries(SPOILS).map(
    ([name, spoil]) => [name, encrypt(key, encode(key, hash, spoil))] as const,
  );
  return new Map([
    ...cases,
    ['one byte is missing', whole.subarray(1)],
    ['one byte is too many', Buffer.concat([Uint8Array.of(0), whole])],
    ['the number is the modulus', modulusOf(key)],
    ['the number is larger than any modulus', Buffer.alloc(whole.length, 0xff)],
    ['the number is zero', Buffer.alloc(whole.length)],
    ['the number is one', Buffer.concat([Buffer.alloc(whole.length - 1), Uint8Array.of(1)])],
  ]);
}

function encode(key: KeyObject, hash: Hash, spoil: Spoil): Buffer {
  const lHash = createHash(hash).digest();
  const length = modulusOf(key).length - lHash.length - 1;
  const padding = Buffer.alloc(length - lHash.length - 1 - MESSAGE.length);
  const parts: Parts = {
    y: 0,
    seed: Buffer.from(crypto.getRandomValues(new Uint8Array(lHash.length))),
    db: Buffer.concat([lHash, padding, Uint8Array.of(1), MESSAGE]),
    hashLength: lHash.length,
  };
  spoil(parts);
  const { y, seed, db } = parts;
  const maskedDb = xor(db, mgf1(seed, db.length, hash));
  const maskedSeed = xor(seed, mgf1(maskedDb, seed.length, hash));
  return Buffer.concat([Uint8Array.of(y), maskedSeed, maskedDb]);
}

/** RSAEP (RFC 8017 §5.1.1). A Y of 1 is still below any modulus, whose first bit is set. */
function encrypt(key: KeyObject, encoded: Buffer): Uint8Array {
  return publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded);
}

/** RFC 8017 appendix B.2.1 */
function mgf1(seed: Buffer, length: number, hash: Hash): Buffer {
  const blocks: Buffer[] = [];
  for (let counter = 0; Buffer.concat(blocks).length < length; counter++) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(counter);
    blocks.push(createHash(hash).update(seed).update(number).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

function modulusOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).n as string, 'base64url');
}

function xor(a: Buffer, b: Buffer): Buffer {
  return a.map((byte, i) => byte ^ (b[i] as number)) as Buffer;
}

function flip(bytes: Buffer, at: number): void {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
}
