import { createCipheriv, generateKeyPairSync, hkdfSync, randomBytes, sign } from 'node:crypto';

/** A field with its length before it, in two bytes. */
export const counted = (field: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(field as string);
  return Buffer.concat([uint16(bytes.length), bytes]);
};

export const uint16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Pairs as they come, not sorted, and not checked. */
export const pairs = (...list: (readonly [Uint8Array | string, Uint8Array | string])[]): Buffer =>
  Buffer.concat([uint16(list.length), ...list.flat().map(counted)]);

export interface HeaderFields {
  /** The serialised pairs. */
  readonly context?: Uint8Array;
  readonly providerId?: Uint8Array | string;
  readonly keyName?: string;
  /** The data key wrapped. */
  readonly wrapped?: Uint8Array;
  /** How often it is there. */
  readonly dataKeys?: number;
  readonly contentType?: number;
  readonly frameLength?: number;
}

export interface FrameFields {
  readonly iv?: Uint8Array;
  /** The length that a final frame claims. */
  readonly length?: number;
}

const CONTENT = { frame: ' Frame', final: ' Final Frame', single: ' Single Block' };

/**
 * Writes messages by the tables of the specification, apart from the code under test: whoever knows the data key, as everyone who
 * seals with a public key does. All that it writes is authentic.
 */
export class Author {
  readonly dataKey: Uint8Array = new Uint8Array(randomBytes(32));
  readonly suite: number;
  readonly #messageId = randomBytes(32);
  readonly #key: Buffer;
  readonly #pair = generateKeyPairSync('ec', { namedCurve: 'P-384' });

  constructor(suite = 0x0478) {
    this.suite = suite;
    this.#key = this.#derive(Buffer.concat([uint16(suite), Buffer.from('DERIVEKEY')]));
  }

  /** The public key of the signature, as the coordinates of its point. */
  get point(): { readonly x: Buffer; readonly y: Buffer } {
    const { x = '', y = '' } = this.#pair.publicKey.export({ format: 'jwk' });
    return { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
  }

  /** The pair of a signed message. */
  get publicKey(): readonly [string, string] {
    const { x, y } = this.point;
    const compressed = Buffer.concat([Buffer.of(2 + ((y.at(-1) as number) & 1)), x]);
    return ['aws-crypto-public-key', compressed.toString('base64')];
  }

  header(fields: HeaderFields = {}): Buffer {
    const { providerId = 'known', keyName = 'key', wrapped = 'wrapped', dataKeys = 1 } = fields;
    const dataKey = Buffer.concat([providerId, keyName, wrapped].map(counted));
    const body = Buffer.concat([
      ...[Buffer.of(2), uint16(this.suite), this.#messageId],
      counted(fields.context ?? Buffer.alloc(0)),
      uint16(dataKeys),
      ...Array.from({ length: dataKeys }, () => dataKey),
      ...[Buffer.of(fields.contentType ?? 2), uint32(fields.frameLength ?? 100)],
      this.#derive(Buffer.from('COMMITKEY')),
    ]);
    return Buffer.concat([body, this.#seal(Buffer.alloc(12), body, Buffer.alloc(0))]);
  }

  frame(number: number, content: Uint8Array, fields: FrameFields = {}): Buffer {
    const iv = fields.iv ?? ivOf(number);
    const sealed = this.#seal(iv, this.#aad('frame', number, content.length), content);
    return Buffer.concat([uint32(number), iv, sealed]);
  }

  final(number: number, content: Uint8Array, fields: FrameFields = {}): Buffer {
    const iv = fields.iv ?? ivOf(number);
    const length = fields.length ?? content.length;
    const sealed = this.#seal(iv, this.#aad('final', number, length), content);
    return Buffer.concat([uint32(0xffffffff), uint32(number), iv, uint32(length), sealed]);
  }

  single(content: Uint8Array): Buffer {
    const sealed = this.#seal(ivOf(1), this.#aad('single', 1, content.length), content);
    return Buffer.concat([ivOf(1), uint32(0), uint32(content.length), sealed]);
  }

  /** @returns The DER of the signature. */
  sign(...parts: Uint8Array[]): Buffer {
    return sign('sha384', Buffer.concat(parts), this.#pair.privateKey);
  }

  #derive(info: Uint8Array): Buffer {
    return Buffer.from(hkdfSync('sha512', this.dataKey, this.#messageId, info, 32));
  }

  #aad(kind: keyof typeof CONTENT, number: number, length: number): Buffer {
    const content = Buffer.from(`AWSKMSEncryptionClient${CONTENT[kind]}`);
    return Buffer.concat([this.#messageId, content, uint32(number), uint32(0), uint32(length)]);
  }

  #seal(iv: Uint8Array, aad: Uint8Array, content: Uint8Array): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(aad);
    return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  }
}

const ivOf = (number: number): Buffer => Buffer.concat([Buffer.alloc(8), uint32(number)]);
