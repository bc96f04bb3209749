import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import {
  AccessDeniedError,
  type AsymmetricAlgorithm,
  assertKeyEnabled,
  assertKeyUsable,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionContext,
  type EncryptOutput,
  type EncryptRequest,
  encryptionAlgorithmsOf,
  formatKeyArn,
  IncorrectKeyError,
  InvalidCiphertextError,
  InvalidInputError,
  isAsymmetricAlgorithm,
  isRsaKeySpec,
  type KeyDescription,
  type KeyName,
  KeyNotFoundError,
  type KeyRequest,
  type KeyState,
  type KeyWrapDriver,
  maximumPlaintextLength,
  oaepHash,
  type ProviderCapabilities,
  type PublicKeyResult,
  parseKeyId,
  type RsaKeySpec,
  rsaModulusLength,
  serializeEncryptionContext,
  UnsupportedOperationError,
} from '@keywrap/core';
import type { ConformanceKeyRequest, ConformanceKeys } from '@keywrap/testkit';
import { type Header, hashOf } from './headers.js';

/** What makes a backend differ from AWS KMS. */
export interface Shape {
  readonly capabilities: ProviderCapabilities;
  /** What symmetric ciphertexts begin with. */
  readonly header: Header;
  /** Pads every plaintext to this many bytes, so that no length shows. */
  readonly padTo?: number;
  /** Puts the key version, in this many bytes, before RSA ciphertexts; RSA keys then rotate. */
  readonly rsaVersionLength?: number;
  /** Names keys; by default with letters, digits and hyphens. */
  readonly nameOf?: (index: number) => string;
  /** True if results say which version of a key was used. */
  readonly saysVersion?: boolean;
  /** True if the backend keeps no creation dates. */
  readonly hasNoDates?: boolean;
  /** True if the harness can make a key decrypt only. */
  readonly restricts?: boolean;
}

/** One generation of a key. */
interface Version {
  readonly id: Buffer;
  readonly material: KeyObject | Buffer;
}

interface Key {
  readonly name: string;
  readonly description: KeyDescription;
  readonly versions: Version[];
  state: KeyState;
}

const NONCE = 12;
const TAG = 16;

/** A small driver over node:crypto, right in every shape. */
export class ShapedDriver implements KeyWrapDriver {
  readonly id = 'shaped';
  readonly capabilities: ProviderCapabilities;
  readonly #shape: Shape;
  readonly #keys = new Map<string, Key>();
  readonly #aliases = new Map<string, string>();
  readonly #scope = { partition: 'shaped', region: 'tenant/a', account: '127.0.0.1:8200' };

  constructor(shape: Shape) {
    this.#shape = shape;
    this.capabilities = shape.capabilities;
  }

  /** The functions of the harness. */
  get harnessKeys(): ConformanceKeys {
    const turn = (state: KeyState) => async (arn: string) => {
      this.#find(parseKeyId(arn)).state = state;
    };
    return {
      create: async (request) => this.#create(request),
      alias: async (alias, arn) => this.#aliases.set(alias, this.#find(parseKeyId(arn)).name),
      disable: turn('Disabled'),
      enable: turn('Enabled'),
      scheduleDeletion: turn('PendingDeletion'),
      cancelDeletion: turn('Disabled'),
      rotate: async (arn) => this.#rotate(this.#find(parseKeyId(arn))),
      ...(this.#shape.restricts && { restrictToDecrypt: turn('DecryptOnly') }),
    };
  }

  encrypt({ key: name, algorithm, plaintext, encryptionContext }: EncryptRequest): EncryptOutput {
    const key = this.#usable(name, algorithm, 'encrypt');
    const version = key.versions.at(-1) as Version;
    const used = this.#used(key, version);
    if (isAsymmetricAlgorithm(algorithm)) {
      const maximum = maximumPlaintextLength(algorithm, key.description.keySpec as RsaKeySpec);
      if (plaintext.length > maximum) {
        throw new InvalidInputError('plaintext', `must have at most ${maximum} bytes`);
      }
      const sealed = publicEncrypt(oaep(version, algorithm), plaintext);
      return { ...used, ciphertext: Buffer.concat([this.#rsaHeader(version), sealed]) };
    }
    const header = this.#shape.header.write(key.name, version.id);
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', version.material as Buffer, nonce);
    cipher.setAAD(bound(key, version, encryptionContext));
    const padded = pad(plaintext, this.#shape.padTo);
    const sealed = [nonce, cipher.update(padded), cipher.final(), cipher.getAuthTag()];
    return { ...used, ciphertext: this.#shape.header.join(header, Buffer.concat(sealed)) };
  }

  decrypt({ key: name, algorithm, ciphertext, encryptionContext }: DecryptRequest): DecryptOutput {
    const named = name && this.#usable(name, algorithm, 'decrypt');
    if (isAsymmetricAlgorithm(algorithm)) return this.#openRsa(named as Key, ciphertext, algorithm);
    const parsed = this.#shape.header.parse(Buffer.from(ciphertext));
    if (parsed === undefined) throw unopenable();
    const made = parsed.isNamed ? this.#maker(parsed.keyHash, named) : named;
    if (made === undefined) throw unopenable();
    for (const version of made.versions.toReversed()) {
      if (parsed.version !== undefined && !version.id.equals(parsed.version)) continue;
      const plaintext = open(version, parsed.sealed, bound(made, version, encryptionContext));
      if (plaintext === undefined) continue;
      return { ...this.#used(made, version), plaintext: unpad(plaintext, this.#shape.padTo) };
    }
    throw unopenable();
  }

  describeKey({ key: name }: KeyRequest): KeyDescription {
    const { description, state } = this.#find(name);
    return { ...description, keyState: state };
  }

  getPublicKey({ key: name }: KeyRequest): PublicKeyResult {
    const key = this.#find(name);
    const { keyId, keySpec, keyUsage, algorithms } = key.description;
    if (!isRsaKeySpec(keySpec)) throw new UnsupportedOperationError('it has no public key');
    assertKeyEnabled({ ...key.description, keyState: key.state });
    const publicKey = createPublicKey(key.versions.at(-1)?.material as KeyObject);
    return {
      ...{ keyId, keySpec, keyUsage, algorithms },
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    };
  }

  /** Returns the key that made a ciphertext; only a ciphertext that names its key can tell it. */
  #maker(hash: Buffer, named: Key | undefined): Key | undefined {
    const maker = [...this.#keys.values()].find(({ name }) => hash.equals(hashOf(name)));
    if (named === undefined) {
      if (maker === undefined) throw new AccessDeniedError('its key does not exist here');
      assertKeyUsable(
        { ...maker.description, keyState: maker.state },
        'SYMMETRIC_DEFAULT',
        'decrypt',
      );
    } else if (maker !== undefined && maker !== named) {
      throw new IncorrectKeyError('another key made this ciphertext');
    }
    return maker;
  }

  #openRsa(key: Key, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm): DecryptOutput {
    const modulus = rsaModulusLength(key.description.keySpec as RsaKeySpec);
    const header = ciphertext.subarray(0, -modulus);
    // One from outside has no version in front.
    if (header.length !== 0 && header.length !== (this.#shape.rsaVersionLength ?? 0))
      throw unopenable();
    if (ciphertext.length < modulus) throw unopenable();
    for (const version of key.versions.toReversed()) {
      if (header.length > 0 && !this.#rsaHeader(version).equals(header)) continue;
      try {
        const plaintext = privateDecrypt(oaep(version, algorithm), ciphertext.subarray(-modulus));
        return { ...this.#used(key, version), plaintext };
      } catch {
        // The next version may open it.
      }
    }
    throw unopenable();
  }

  #rsaHeader(version: Version): Buffer {
    return version.id.subarray(0, this.#shape.rsaVersionLength ?? 0);
  }

  #used({ description }: Key, { id }: Version) {
    return {
      keyId: description.keyId,
      ...(this.#shape.saysVersion && { keyVersion: id.toString('hex') }),
    };
  }

  #create({ keySpec, keyUsage, origin, algorithm }: ConformanceKeyRequest) {
    const { algorithms } = this.capabilities;
    const own = encryptionAlgorithmsOf(keySpec, keyUsage).filter((each) =>
      algorithms.includes(each),
    );
    if (keyUsage !== 'ENCRYPT_DECRYPT' || origin !== undefined || own.length === 0) {
      throw new UnsupportedOperationError(`no such ${keySpec} keys here`);
    }
    const index = this.#keys.size;
    const name = this.#shape.nameOf?.(index) ?? `key-${index}-${randomBytes(4).toString('hex')}`;
    const keyId = formatKeyArn(name, this.#scope);
    const isSame = (key: Key) => key.description.keySpec === keySpec;
    const count = [...this.#keys.values()].filter(isSame).length;
    const material = isRsaKeySpec(keySpec) ? rsaKey(keySpec, count) : randomBytes(32);
    this.#keys.set(name, {
      name,
      description: {
        ...{ keyId, keySpec, keyUsage, keyState: 'Enabled', origin: 'HSM', description: '' },
        algorithms: algorithm === undefined ? own : [algorithm],
        ...(!this.#shape.hasNoDates && { creationDate: new Date() }),
      },
      versions: [newVersion(material)],
      state: 'Enabled',
    });
    return { keyId };
  }

  #rotate({ description: { keySpec }, versions }: Key): void {
    const isRsa = isRsaKeySpec(keySpec);
    if (isRsa && this.#shape.rsaVersionLength === undefined) {
      throw new UnsupportedOperationError('RSA keys do not rotate here');
    }
    versions.push(newVersion(isRsa ? newRsaKey(keySpec) : randomBytes(32)));
  }

  #find(name: KeyName): Key {
    const id = 'alias' in name ? this.#aliases.get(name.alias) : name.id;
    const key = id === undefined ? undefined : this.#keys.get(id);
    const { partition, region, account } = this.#scope;
    const isHere =
      !('region' in name) ||
      (name.partition === partition && name.region === region && name.account === account);
    if (key === undefined || !isHere) throw new KeyNotFoundError('there is no such key');
    return key;
  }

  #usable(name: KeyName, ...how: [EncryptRequest['algorithm'], 'encrypt' | 'decrypt']): Key {
    const key = this.#find(name);
    assertKeyUsable({ ...key.description, keyState: key.state }, ...how);
    return key;
  }
}

const newVersion = (material: KeyObject | Buffer): Version => ({ id: randomBytes(16), material });

/** RSA keys take long to generate: all drivers share a few, so many that keys which are compared are different. */
const RSA_KEYS = new Map<string, KeyObject>();

function rsaKey(spec: RsaKeySpec, index: number): KeyObject {
  const name = `${spec} ${spec === 'RSA_2048' ? index % 64 : index % 2}`;
  const known = RSA_KEYS.get(name);
  if (known !== undefined) return known;
  const key = newRsaKey(spec);
  RSA_KEYS.set(name, key);
  return key;
}

function newRsaKey(spec: RsaKeySpec): KeyObject {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: Number(spec.slice(4)) });
  return createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

function oaep({ material }: Version, algorithm: AsymmetricAlgorithm) {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return { key: material as KeyObject, padding, oaepHash: oaepHash(algorithm) };
}

/** What a ciphertext is bound to: its key, the version, and the context. */
function bound({ name }: Key, { id }: Version, context: EncryptionContext): Buffer {
  return Buffer.concat([hashOf(name), id, serializeEncryptionContext(context)]);
}

function open({ material }: Version, sealed: Buffer, aad: Buffer): Buffer | undefined {
  if (sealed.length <= NONCE + TAG) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', material as Buffer, sealed.subarray(0, NONCE));
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-TAG));
  try {
    const plaintext = decipher.update(sealed.subarray(NONCE, -TAG));
    return Buffer.concat([plaintext, decipher.final()]);
  } catch {
    return undefined;
  }
}

function pad(plaintext: Uint8Array, length: number | undefined): Uint8Array {
  if (length === undefined) return plaintext;
  const padded = Buffer.alloc(2 + length);
  padded.writeUInt16BE(plaintext.length);
  padded.set(plaintext, 2);
  return padded;
}

function unpad(padded: Buffer, length: number | undefined): Uint8Array {
  return length === undefined ? padded : padded.subarray(2, 2 + padded.readUInt16BE());
}

function unopenable(): InvalidCiphertextError {
  return new InvalidCiphertextError('the ciphertext can not be decrypted');
}
