import { serializeEncryptionContext } from '@keywrap/core';
import { IV_LENGTH } from './algorithm-suite.js';
import { concat, writeUint16, writeUint32 } from './bytes.js';
import { CONTENT_FRAMED, type EncryptedDataKey, type HeaderFields } from './header.js';

const utf8 = new TextEncoder();

/**
 * Serialises the header body of a framed message of version 2
 * ([Header Body Version 2.0](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/data-format/message-header.md#header-body-version-20)).
 */
export function writeHeaderBody(fields: HeaderFields): Uint8Array {
  const { suite, messageId, frameLength, commitKey } = fields;
  const context = serializeEncryptionContext(fields.encryptionContext);
  return concat([
    Uint8Array.of(suite.version),
    uint16Bytes(suite.id),
    messageId,
    uint16Bytes(context.length),
    context,
    uint16Bytes(fields.dataKeys.length),
    ...fields.dataKeys.flatMap(dataKeyParts),
    Uint8Array.of(CONTENT_FRAMED),
    uint32Bytes(frameLength),
    commitKey as Uint8Array,
  ]);
}

/** "The IV has a value of 0" ([Construct the header](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/client-apis/encrypt.md#construct-the-header)). */
export const HEADER_IV: Uint8Array = new Uint8Array(IV_LENGTH);

function dataKeyParts({ providerId, providerInfo, ciphertext }: EncryptedDataKey): Uint8Array[] {
  return [utf8.encode(providerId), providerInfo, ciphertext].flatMap((field) => [
    uint16Bytes(field.length),
    field,
  ]);
}

function uint16Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  writeUint16(bytes, 0, value);
  return bytes;
}

function uint32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, value);
  return bytes;
}
