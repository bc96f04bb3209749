import { InvalidInputError, serializeEncryptionContext } from '@keywrap/core';
import { encodeUtf8 } from '../text/utf8.js';
import { COMMIT_KEY_LENGTH, IV_LENGTH, TAG_LENGTH } from './algorithm-suite.js';
import { writeUint16, writeUint32 } from './bytes.js';
import { CONTENT_FRAMED, type HeaderFields } from './header.js';

/** "The IV has a value of 0" ([Construct the header](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/client-apis/encrypt.md#construct-the-header)). */
export const HEADER_IV: Uint8Array = new Uint8Array(IV_LENGTH);

/**
 * Serialises the header body of a framed message of version 2, with room for its tag after it ([Header Body
 * Version
 * 2.0](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/data-format/message-header.md#header-body-version-20)).
 *
 * @throws InvalidInputError for a field that is longer than its length can say, such as the id of a provider.
 */
export function writeHeader(fields: HeaderFields & { commitKey: Uint8Array }): Uint8Array {
  const { suite, messageId } = fields;
  const context = serializeEncryptionContext(fields.encryptionContext);
  const dataKeyFields = fields.dataKeys.flatMap(({ providerId, providerInfo, ciphertext }) => [
    encodeUtf8(providerId),
    providerInfo,
    ciphertext,
  ]);
  let length = 1 + 2 + messageId.length + 2 + context.length + 2 + 1 + 4 + COMMIT_KEY_LENGTH;
  for (const field of dataKeyFields) length += 2 + field.length;
  const body = new Uint8Array(length + TAG_LENGTH);
  let offset = 0;
  const write = (bytes: Uint8Array) => {
    body.set(bytes, offset);
    offset += bytes.length;
  };
  const writeCounted = (bytes: Uint8Array) => {
    if (bytes.length > 0xffff) {
      throw new InvalidInputError(
        'keyId',
        `needs a field of ${bytes.length} bytes in the message, where there is room for 65535`,
      );
    }
    offset = writeUint16(body, offset, bytes.length);
    write(bytes);
  };
  body[0] = suite.version;
  offset = writeUint16(body, 1, suite.id);
  write(messageId);
  writeCounted(context);
  offset = writeUint16(body, offset, fields.dataKeys.length);
  for (const field of dataKeyFields) writeCounted(field);
  body[offset] = CONTENT_FRAMED;
  offset = writeUint32(body, offset + 1, fields.frameLength);
  write(fields.commitKey);
  return body;
}
