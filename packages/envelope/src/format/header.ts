import type { EncryptionContext } from '@keywrap/core';
import type { AlgorithmSuite } from './algorithm-suite.js';

/** The data key of a message, wrapped under one key ([Encrypted Data Key](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/structures.md#encrypted-data-key)). */
export interface EncryptedDataKey {
  /** The kind of provider or, for a raw key, its namespace: at most 65535 bytes of UTF-8. */
  readonly providerId: string;
  /** Names the key: its ARN or, for a raw key, its name. At most 65535 bytes. */
  readonly providerInfo: Uint8Array;
  /** At most 65535 bytes. */
  readonly ciphertext: Uint8Array;
}

/** The fields of a header body ([Message Header](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/data-format/message-header.md)). */
export interface HeaderFields {
  readonly suite: AlgorithmSuite;
  /** 16 bytes in version 1, 32 in version 2. */
  readonly messageId: Uint8Array;
  /** All pairs, also the reserved one of a signed message. */
  readonly encryptionContext: EncryptionContext;
  readonly dataKeys: readonly EncryptedDataKey[];
  /** In bytes; 0 for a message that is not framed. */
  readonly frameLength: number;
  /** The commit key, for a suite that commits. */
  readonly commitKey: Uint8Array | undefined;
}

/** A parsed header. Nothing in it is authentic before its tag was verified. */
export interface MessageHeader extends HeaderFields {
  /** The serialised header body, which the tag authenticates. */
  readonly body: Uint8Array;
  readonly iv: Uint8Array;
  readonly tag: Uint8Array;
  /** The length of the serialised header, in bytes. */
  readonly length: number;
}

/** The value of the field Type in version 1: customer authenticated encrypted data. */
export const TYPE_CUSTOMER_AUTHENTICATED = 0x80;
export const CONTENT_NOT_FRAMED = 1;
export const CONTENT_FRAMED = 2;

export const MESSAGE_ID_LENGTH = { 1: 16, 2: 32 } as const;

/** The pairs of an encryption context whose names start so are the SDK's own ([Encryption Context](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/client-apis/encrypt.md#encryption-context)). */
export const RESERVED_PREFIX = 'aws-crypto-';
/** The pair that holds the public key of a signed message, in base64. */
export const PUBLIC_KEY_NAME = 'aws-crypto-public-key';
