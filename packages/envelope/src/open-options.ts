import {
  assertProvider,
  type EncryptionContext,
  InvalidInputError,
  readCount,
  readEncryptionContext,
  readFields,
} from '@keywrap/core';
import { type ReadTrustedKey, readTrustedKey, type TrustedKey } from './keys/wrapping-key.js';
import { DEFAULT_MAXIMUM_DATA_KEYS, MAXIMUM_FRAME_LENGTH, readList } from './seal-options.js';

/**
 * Which messages to open ([Commitment
 * Policy](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/commitment-policy.md)).
 * The policy that forbids to seal with key commitment is not here: this package always seals with it.
 */
export type CommitmentPolicy = 'REQUIRE_ENCRYPT_REQUIRE_DECRYPT' | 'REQUIRE_ENCRYPT_ALLOW_DECRYPT';

/** What to accept of a message. */
export interface OpenOptions {
  /**
   * The keys that may open the message, of any provider: at least one, tried in this order. No other key is used,
   * whatever the message names.
   */
  readonly trustedKeys: readonly TrustedKey[];
  /** The pairs that the message must have; it may have more. `{}` expects none. */
  readonly encryptionContext: EncryptionContext;
  /**
   * By default `REQUIRE_ENCRYPT_REQUIRE_DECRYPT`: only messages that commit to their data key.
   * `REQUIRE_ENCRYPT_ALLOW_DECRYPT` also opens the messages of the AWS Encryption SDK before version 2, whose
   * author may have made one that opens differently under another key.
   */
  readonly commitmentPolicy?: CommitmentPolicy | undefined;
  /**
   * Whether the message has to be signed, or must not be. By default either is opened, and signatures are
   * verified.
   */
  readonly signature?: 'required' | 'forbidden' | undefined;
  /** The maximum number of encrypted data keys; each may cost a call to a provider. 1 to 65535; by default 16. */
  readonly maximumDataKeys?: number | undefined;
  /** The maximum length of a frame in bytes: 1 to 2^32 - 1; by default 2^24. A stream holds up to two frames. */
  readonly maximumFrameLength?: number | undefined;
}

/** The checked options. */
export interface Opening {
  readonly trustedKeys: readonly ReadTrustedKey[];
  readonly encryptionContext: EncryptionContext;
  readonly commitmentPolicy: CommitmentPolicy;
  readonly signature: 'required' | 'forbidden' | undefined;
  readonly maximumDataKeys: number;
  readonly maximumFrameLength: number;
}

export const OPEN_FIELDS = [
  'trustedKeys',
  'encryptionContext',
  'commitmentPolicy',
  'signature',
  'maximumDataKeys',
  'maximumFrameLength',
] as const;

/**
 * @param name That of the options in errors.
 * @throws InvalidInputError
 */
export function readOpenOptions(provider: unknown, options: unknown, name = 'options'): Opening {
  return readOpening(provider, readFields(options, name, OPEN_FIELDS));
}

/** @throws InvalidInputError */
export function readOpening(
  provider: unknown,
  fields: Readonly<Record<(typeof OPEN_FIELDS)[number], unknown>>,
): Opening {
  assertProvider(provider, 'provider');
  if (fields.trustedKeys === undefined) {
    throw new InvalidInputError('trustedKeys', 'is missing: name the keys that may open it');
  }
  const trustedKeys = readList(fields.trustedKeys, 'trustedKeys', 1000).map((key, i) =>
    readTrustedKey(key, `trustedKeys.${i}`, provider),
  );
  if (trustedKeys.length === 0) throw new InvalidInputError('trustedKeys', 'must not be empty');
  if (fields.encryptionContext === undefined) {
    throw new InvalidInputError(
      'encryptionContext',
      'must hold the pairs that the message must have; {} expects none',
    );
  }
  const { commitmentPolicy = 'REQUIRE_ENCRYPT_REQUIRE_DECRYPT', signature } = fields;
  return {
    trustedKeys,
    encryptionContext: readEncryptionContext(fields.encryptionContext),
    commitmentPolicy: readOneOf(commitmentPolicy, 'commitmentPolicy', [
      'REQUIRE_ENCRYPT_REQUIRE_DECRYPT',
      'REQUIRE_ENCRYPT_ALLOW_DECRYPT',
    ]),
    signature:
      signature === undefined
        ? undefined
        : readOneOf(signature, 'signature', ['required', 'forbidden']),
    maximumDataKeys: readCount(
      fields.maximumDataKeys ?? DEFAULT_MAXIMUM_DATA_KEYS,
      'maximumDataKeys',
      2 ** 16 - 1,
    ),
    maximumFrameLength: readCount(
      fields.maximumFrameLength ?? MAXIMUM_FRAME_LENGTH,
      'maximumFrameLength',
      2 ** 32 - 1,
    ),
  };
}

function readOneOf<const Value extends string>(
  value: unknown,
  field: string,
  values: readonly Value[],
): Value {
  if (values.includes(value as Value)) return value as Value;
  throw new InvalidInputError(field, `must be one of ${values.join(', ')}`);
}
