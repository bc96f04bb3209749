import { encodeAscii } from '../text/utf8.js';
import { IV_LENGTH, TAG_LENGTH } from './algorithm-suite.js';
import { writeUint32 } from './bytes.js';

/** The sequence number of the last frame is preceded by this one. */
export const FINAL_FRAME = 0xffffffff;
/** The maximum number of frames, the final one with them; it is also the last sequence number. */
export const MAXIMUM_FRAMES = 2 ** 32 - 1;
/** Sequence number, IV and tag: what a regular frame has besides its content. */
export const FRAME_OVERHEAD = 4 + IV_LENGTH + TAG_LENGTH;
/** What stands before the content of a final frame: the mark, sequence number, IV and content length. */
export const FINAL_FRAME_START = 4 + 4 + IV_LENGTH + 4;
/** What stands before the content of a body without frames: the IV and the content length. */
export const SINGLE_BLOCK_START = IV_LENGTH + 8;

/** The kinds of content ([Body AAD Content](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/data-format/message-body-aad.md#body-aad-content)). */
const CONTENT = {
  frame: encodeAscii('AWSKMSEncryptionClient Frame'),
  final: encodeAscii('AWSKMSEncryptionClient Final Frame'),
  single: encodeAscii('AWSKMSEncryptionClient Single Block'),
};

/** The additional authenticated data of one kind of content, in one message; the array is used again. */
export class BodyAad {
  readonly kind: keyof typeof CONTENT;
  readonly #bytes: Uint8Array;

  constructor(messageId: Uint8Array, kind: keyof typeof CONTENT) {
    const content = CONTENT[kind];
    this.kind = kind;
    this.#bytes = new Uint8Array(messageId.length + content.length + 4 + 8);
    this.#bytes.set(messageId);
    this.#bytes.set(content, messageId.length);
  }

  /** @param length Of the content, in bytes: up to 2^53 - 1. */
  of(sequenceNumber: number, length: number): Uint8Array {
    const bytes = this.#bytes;
    let offset = writeUint32(bytes, bytes.length - 12, sequenceNumber);
    offset = writeUint32(bytes, offset, Math.floor(length / 2 ** 32));
    writeUint32(bytes, offset, length % 2 ** 32);
    return bytes;
  }
}
