import {
  type EncryptionContext,
  InvalidInputError,
  UnsupportedOperationError,
} from '@keywrap/core';
import { damagedMessage } from '../errors.js';
import { decodeExactUtf8 } from '../text/utf8.js';
import {
  type AlgorithmSuite,
  algorithmSuiteOf,
  COMMIT_KEY_LENGTH,
  IV_LENGTH,
  isSuiteLike,
  TAG_LENGTH,
} from './algorithm-suite.js';
import { uint16, uint32 } from './bytes.js';
import {
  CONTENT_FRAMED,
  CONTENT_NOT_FRAMED,
  type EncryptedDataKey,
  MESSAGE_ID_LENGTH,
  type MessageHeader,
  TYPE_CUSTOMER_AUTHENTICATED,
} from './header.js';

/** What to accept of a header. A message that has more is rejected as soon as that is read. */
export interface HeaderLimits {
  /** The maximum number of encrypted data keys. */
  readonly maximumDataKeys: number;
  /** The maximum frame length, in bytes. */
  readonly maximumFrameLength: number;
}

/**
 * Parses a header from a growing number of bytes: it goes on where it had to stop, so that a header that comes byte by
 * byte takes no longer.
 */
export class HeaderParser {
  readonly #parsing: Generator<number, Omit<MessageHeader, 'length' | 'body'>, Uint8Array>;
  #offset = 0;
  #step: IteratorResult<number, Omit<MessageHeader, 'length' | 'body'>>;

  constructor(limits: HeaderLimits) {
    this.#parsing = parseFields(limits);
    this.#step = this.#parsing.next();
  }

  /** The number of bytes from the start of the message without which there is no progress. */
  get needed(): number {
    return this.#step.done ? this.#offset : this.#offset + this.#step.value;
  }

  /**
   * @param bytes The message from its start, as much as there is. Fields of the header share its memory.
   * @returns The header, once there is all of it.
   * @throws InvalidInputError, UnsupportedOperationError, InvalidCiphertextError
   */
  parse(bytes: Uint8Array): MessageHeader | undefined {
    while (!this.#step.done) {
      const end = this.#offset + this.#step.value;
      if (end > bytes.length) return undefined;
      const field = bytes.subarray(this.#offset, end);
      this.#offset = end;
      this.#step = this.#parsing.next(field);
    }
    // Field by field: spreading them takes longer than everything else here.
    const header = this.#step.value;
    const authentication = TAG_LENGTH + (header.suite.version === 1 ? IV_LENGTH : 0);
    return {
      suite: header.suite,
      messageId: header.messageId,
      encryptionContext: header.encryptionContext,
      dataKeys: header.dataKeys,
      frameLength: header.frameLength,
      commitKey: header.commitKey,
      iv: header.iv,
      tag: header.tag,
      body: bytes.subarray(0, this.#offset - authentication),
      length: this.#offset,
    };
  }
}

const ZERO_IV = new Uint8Array(IV_LENGTH);

/** Asks for the fields in turn: yields a number of bytes, and is given them. */
function* parseFields(
  limits: HeaderLimits,
): Generator<number, Omit<MessageHeader, 'length' | 'body'>, Uint8Array> {
  const version = yield* parseVersion();
  const suite = parseSuite(yield 2, version);
  const messageId = yield MESSAGE_ID_LENGTH[version];
  const encryptionContext = parseContext(yield uint16(yield 2));
  const dataKeys = yield* parseDataKeys(limits);
  const contentType = (yield 1)[0];
  if (contentType !== CONTENT_FRAMED && contentType !== CONTENT_NOT_FRAMED) throw damagedMessage();
  if (version === 1) {
    // Reserved, then the IV length.
    if (uint32(yield 4) !== 0 || (yield 1)[0] !== IV_LENGTH) throw damagedMessage();
  }
  const frameLength = uint32(yield 4);
  if (frameLength > 0 !== (contentType === CONTENT_FRAMED)) throw damagedMessage();
  if (frameLength > limits.maximumFrameLength) {
    throw new InvalidInputError(
      'message',
      `has frames of ${frameLength} bytes; at most ${limits.maximumFrameLength} are allowed: set maximumFrameLength if you trust its author`,
    );
  }
  const commitKey = suite.commits ? yield COMMIT_KEY_LENGTH : undefined;
  // Version 2 has no field for the IV; it is zero.
  const iv = version === 1 ? yield IV_LENGTH : ZERO_IV;
  const tag = yield TAG_LENGTH;
  return { suite, messageId, encryptionContext, dataKeys, frameLength, commitKey, iv, tag };
}

/** Parses the version and, in version 1, the type: all that tells a message from anything else. */
function* parseVersion(): Generator<number, 1 | 2, Uint8Array> {
  const [version] = yield 1;
  if (version === 2) return 2;
  if (version === 1) {
    if ((yield 1)[0] === TYPE_CUSTOMER_AUTHENTICATED) return 1;
    throw notMessage();
  }
  // Small numbers start few files, but also what base64url makes of "DE89": a suite has to follow.
  if (version !== undefined && version > 2 && version < 0x10) {
    if (!isSuiteLike(uint16(yield 2))) throw notMessage();
    throw new UnsupportedOperationError(
      `the message has format version ${version}; this release reads versions 1 and 2`,
    );
  }
  // "A" starts the base64 of both versions: "AY" of version 1, "Ag" of version 2.
  const [second] = version === 0x41 ? yield 1 : [];
  const isBase64 = second === 0x59 || second === 0x67;
  throw isBase64
    ? new InvalidInputError('message', 'is the base64 of a message: decode it first')
    : notMessage();
}

function notMessage(): InvalidInputError {
  return new InvalidInputError(
    'message',
    'is not a message of the AWS Encryption SDK: was it sealed?',
  );
}

function parseSuite(field: Uint8Array, version: 1 | 2): AlgorithmSuite {
  const id = uint16(field);
  const suite = algorithmSuiteOf(id);
  if (suite?.version === version) return suite;
  if (!isSuiteLike(id)) throw notMessage();
  throw new UnsupportedOperationError(
    `the message has the algorithm suite 0x${id.toString(16).padStart(4, '0')}, which format version ${version} does not have`,
  );
}

/** Parses the pairs of an encryption context ([Serialization](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/structures.md#serialization)). */
export function parseContext(bytes: Uint8Array): EncryptionContext {
  const context: Record<string, string> = Object.create(null);
  if (bytes.length === 0) return context;
  let offset = 0;
  const take = (length: number) => {
    offset += length;
    if (offset > bytes.length) throw damagedMessage();
    return bytes.subarray(offset - length, offset);
  };
  const count = uint16(take(2));
  for (let i = 0; i < count; i++) {
    const name = decodeText(take(uint16(take(2))));
    // A name that some JavaScript loses on the way can't be passed on to a provider.
    if (Object.hasOwn(context, name) || name === '__proto__') throw damagedMessage();
    context[name] = decodeText(take(uint16(take(2))));
  }
  if (count === 0 || offset !== bytes.length) throw damagedMessage();
  return context;
}

function* parseDataKeys(limits: HeaderLimits): Generator<number, EncryptedDataKey[], Uint8Array> {
  const count = uint16(yield 2);
  if (count === 0) throw damagedMessage();
  if (count > limits.maximumDataKeys) {
    throw new InvalidInputError(
      'message',
      `has ${count} encrypted data keys; at most ${limits.maximumDataKeys} are allowed: set maximumDataKeys if you trust its author`,
    );
  }
  const dataKeys: EncryptedDataKey[] = [];
  for (let i = 0; i < count; i++) {
    const providerId = decodeText(yield uint16(yield 2));
    const providerInfo = yield uint16(yield 2);
    const ciphertext = yield uint16(yield 2);
    dataKeys.push({ providerId, providerInfo, ciphertext });
  }
  return dataKeys;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decodeExactUtf8(bytes);
  } catch {
    throw damagedMessage();
  }
}
