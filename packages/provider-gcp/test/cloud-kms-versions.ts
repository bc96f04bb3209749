import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  privateDecrypt,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { Message } from './cloud-kms.js';
import { invalid } from './cloud-kms-errors.js';

// The key versions of the double, and what they do.

/** The name of the key that made a symmetric ciphertext comes first, as in the real ones, which are opaque. */
const TAG_LENGTH = 16;
const ID_LENGTH = 12;

export interface KeyVersion {
  readonly pb: Message;
  readonly kind: 'SYMMETRIC' | 'ASYMMETRIC_DECRYPT' | 'ASYMMETRIC_SIGN' | 'MAC';
  readonly secret: Buffer | undefined;
  readonly privateKey: KeyObject | undefined;
  /** What its symmetric ciphertexts begin with. */
  readonly id: Buffer;
}

/** @param index How many versions the double has already. */
export async function newVersion(
  key: string,
  number: number,
  { algorithm, protectionLevel }: Message,
  index: number,
): Promise<KeyVersion> {
  const privateKey = await privateKeyOf(algorithm, index);
  const time = { seconds: 1_700_000_000 + number, nanos: 0 };
  const pb = {
    name: `${key}/cryptoKeyVersions/${number}`,
    state: privateKey === undefined ? 'ENABLED' : 'PENDING_GENERATION',
    algorithm,
    protectionLevel,
    createTime: time,
    generateTime: time,
  };
  const secret = privateKey === undefined ? randomBytes(32) : undefined;
  return { pb, kind: kindOf(algorithm), secret, privateKey, id: randomBytes(ID_LENGTH) };
}

function kindOf(algorithm: string): KeyVersion['kind'] {
  if (algorithm.startsWith('RSA_DECRYPT')) return 'ASYMMETRIC_DECRYPT';
  if (/^(RSA|EC)_SIGN/.test(algorithm)) return 'ASYMMETRIC_SIGN';
  return algorithm.startsWith('HMAC') ? 'MAC' : 'SYMMETRIC';
}

const RSA_KEYS = new Map<string, Promise<KeyObject>>();

/** Doubles share their RSA keys, because making one takes a while; those of one double differ. */
function rsaKey(modulusLength: number, index: number): Promise<KeyObject> {
  const id = `${modulusLength} ${index}`;
  const key =
    RSA_KEYS.get(id) ??
    promisify(generateKeyPair)('rsa', { modulusLength }).then(({ privateKey }) => privateKey);
  RSA_KEYS.set(id, key);
  return key;
}

async function privateKeyOf(algorithm: string, index: number): Promise<KeyObject | undefined> {
  if (algorithm.startsWith('EC_SIGN_P256')) {
    return (await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })).privateKey;
  }
  if (!algorithm.startsWith('RSA')) return undefined;
  return rsaKey(Number(/\d{4}/.exec(algorithm)?.[0]), index);
}

export function pemOf({ privateKey }: KeyVersion): string {
  return createPublicKey(privateKey as KeyObject).export({ type: 'spki', format: 'pem' }) as string;
}

/** CRC32C, bit by bit: not by the code that is tested. */
export function crcOf(bytes: Buffer): { value: string } {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return { value: `${~crc >>> 0}` };
}

/** Checks the checksums of a request ([guidelines](https://cloud.google.com/kms/docs/data-integrity-guidelines)). */
function check(request: Message, field: string): boolean {
  const given = request[`${field}Crc32c`];
  if (given === undefined || given === null) return false;
  if (String(given.value ?? 0) === crcOf(request[field] ?? Buffer.alloc(0)).value) return true;
  throw invalid(`The checksum in field ${field}_crc32c did not match the data in field ${field}.`);
}

export function encrypt(version: KeyVersion, request: Message): Message {
  const { plaintext = Buffer.alloc(0), additionalAuthenticatedData: aad = Buffer.alloc(0) } =
    request;
  const { protectionLevel, name } = version.pb;
  const isHsm = protectionLevel === 'HSM';
  if (plaintext.length === 0) throw invalid('The plaintext must not be empty.');
  if (isHsm ? plaintext.length + aad.length > 8192 : plaintext.length > 65536) {
    throw invalid('The plaintext is too large.');
  }
  const verifiedPlaintextCrc32c = check(request, 'plaintext');
  const verifiedAdditionalAuthenticatedDataCrc32c = check(request, 'additionalAuthenticatedData');
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', version.secret as Buffer, iv);
  cipher.setAAD(aad);
  const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
  const ciphertext = Buffer.concat([version.id, iv, ...sealed]);
  return {
    name,
    ciphertext,
    ciphertextCrc32c: crcOf(ciphertext),
    verifiedPlaintextCrc32c,
    verifiedAdditionalAuthenticatedDataCrc32c,
    protectionLevel,
  };
}

export function decrypt(
  versions: readonly KeyVersion[],
  primary: KeyVersion | undefined,
  request: Message,
  usable: (version: KeyVersion) => KeyVersion,
): Message {
  const { ciphertext = Buffer.alloc(0), additionalAuthenticatedData: aad = Buffer.alloc(0) } =
    request;
  if (ciphertext.length === 0) throw invalid('The ciphertext must not be empty.');
  check(request, 'ciphertext');
  check(request, 'additionalAuthenticatedData');
  const version = versions.find(({ id }) => id.equals(ciphertext.subarray(0, ID_LENGTH)));
  if (version === undefined) {
    throw invalid("Decryption failed: verify that 'name' refers to the correct CryptoKey.");
  }
  const { secret, pb } = usable(version);
  try {
    const iv = ciphertext.subarray(ID_LENGTH, ID_LENGTH + 12);
    const decipher = createDecipheriv('aes-256-gcm', secret as Buffer, iv, {
      authTagLength: TAG_LENGTH,
    });
    decipher.setAAD(aad).setAuthTag(ciphertext.subarray(-TAG_LENGTH));
    const sealed = ciphertext.subarray(ID_LENGTH + 12, -TAG_LENGTH);
    const plaintext = Buffer.concat([decipher.update(sealed), decipher.final()]);
    const { protectionLevel } = pb;
    const usedPrimary = version === primary;
    return { plaintext, plaintextCrc32c: crcOf(plaintext), usedPrimary, protectionLevel };
  } catch {
    throw invalid('Decryption failed: the ciphertext is invalid.');
  }
}

export function asymmetricDecrypt({ pb, privateKey }: KeyVersion, request: Message): Message {
  const { ciphertext = Buffer.alloc(0) } = request;
  if (ciphertext.length === 0) throw invalid('ciphertext is empty');
  const verifiedCiphertextCrc32c = check(request, 'ciphertext');
  const oaepHash = `sha${/SHA(\d+)$/.exec(pb.algorithm)?.[1]}`;
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  try {
    const key = privateKey as KeyObject;
    const plaintext = privateDecrypt({ key, padding, oaepHash }, ciphertext);
    const { protectionLevel } = pb;
    return {
      plaintext,
      plaintextCrc32c: crcOf(plaintext),
      verifiedCiphertextCrc32c,
      protectionLevel,
    };
  } catch {
    throw invalid('decryption failed: crypto/rsa: decryption error');
  }
}
