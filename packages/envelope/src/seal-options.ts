import {
  assertProvider,
  type EncryptionContext,
  InvalidInputError,
  parseKeyId,
  readArray,
  readCount,
  readEncryptionContext,
  readFields,
} from '@keywrap/core';
import { RESERVED_PREFIX } from './format/header.js';
import { type ReadWrappingKey, readWrappingKey, type WrappingKey } from './keys/wrapping-key.js';

/** How to seal a message, apart from its keys. */
export interface SealingOptions {
  /**
   * Pairs that the message is bound to: who opens it names the pairs that it must have. They are stored in the
   * message, in clear. Names that start with `aws-crypto-` are reserved. By default none.
   */
  readonly encryptionContext?: EncryptionContext | undefined;
  /**
   * True to sign the message (ECDSA over P-384, with a key pair for this message): then only who seals can make
   * messages, and not everybody who can open them. Costs a few milliseconds. By default false.
   */
  readonly signed?: boolean | undefined;
  /** The length of a frame in bytes, 1 to 2^24: what is held until it is authenticated. By default 4096. */
  readonly frameLength?: number | undefined;
}

/** The keys and options of a message. */
export interface SealOptions extends SealingOptions {
  /** Key id, key ARN, alias name or alias ARN of the key of the provider that makes the data key. */
  readonly keyId: string;
  /** Other keys that open the message too, of any provider. All of them have to be reachable to seal. */
  readonly otherKeys?: readonly WrappingKey[] | undefined;
}

/** The checked options. */
export interface Sealing {
  readonly keys: readonly ReadWrappingKey[];
  readonly encryptionContext: EncryptionContext;
  readonly signed: boolean;
  readonly frameLength: number;
}

const DEFAULT_FRAME_LENGTH = 4096;
export const MAXIMUM_FRAME_LENGTH = 2 ** 24;
/** The number of encrypted data keys that a message is opened with, unless the caller allows more. */
export const DEFAULT_MAXIMUM_DATA_KEYS = 16;

/**
 * @param name That of the options in errors.
 * @throws InvalidInputError
 */
export function readSealOptions(provider: unknown, options: unknown, name = 'options'): Sealing {
  assertProvider(provider, 'provider');
  const fields = readFields(options, name, SEAL_FIELDS);
  const keys: ReadWrappingKey[] = [
    { provider, keyId: parseKeyId(fields.keyId, `${name}.keyId`).text },
  ];
  if (fields.otherKeys !== undefined) {
    for (const [i, key] of readList(fields.otherKeys, 'otherKeys', 2 ** 16 - 2).entries()) {
      keys.push(readWrappingKey(key, `otherKeys.${i}`, provider));
    }
  }
  return readSealing(keys, fields);
}

const SEAL_FIELDS = ['keyId', 'otherKeys', 'encryptionContext', 'signed', 'frameLength'] as const;

/** @throws InvalidInputError */
export function readSealing(
  keys: readonly ReadWrappingKey[],
  fields: Readonly<Record<'encryptionContext' | 'signed' | 'frameLength', unknown>>,
): Sealing {
  const { signed = false, frameLength = DEFAULT_FRAME_LENGTH } = fields;
  if (typeof signed !== 'boolean') throw new InvalidInputError('signed', 'must be true or false');
  const encryptionContext = readEncryptionContext(fields.encryptionContext);
  const reserved = Object.keys(encryptionContext).find((name) => name.startsWith(RESERVED_PREFIX));
  if (reserved !== undefined) {
    throw new InvalidInputError(
      'encryptionContext',
      `must not have the name '${reserved}': those that start with ${RESERVED_PREFIX} are reserved`,
    );
  }
  return {
    keys,
    encryptionContext,
    signed,
    frameLength: readCount(frameLength, 'frameLength', MAXIMUM_FRAME_LENGTH),
  };
}

/** @throws InvalidInputError */
export function readList(value: unknown, field: string, maximum: number): unknown[] {
  const list = readArray(value, maximum);
  if (list !== undefined) return list;
  throw new InvalidInputError(field, `must be an array of at most ${maximum} keys`);
}
