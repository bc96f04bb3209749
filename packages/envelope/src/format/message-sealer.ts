import { InvalidInputError } from '@keywrap/core';
import type { MessageKey, Signer } from '../engine/engine.js';
import { IV_LENGTH, TAG_LENGTH } from './algorithm-suite.js';
import { BodyAad, FINAL_FRAME, FINAL_FRAME_START, FRAME_OVERHEAD, MAXIMUM_FRAMES } from './body.js';
import { writeUint16, writeUint32 } from './bytes.js';

const NOTHING = new Uint8Array();

/** What a message is sealed with. */
export interface SealerParameters {
  /** The serialised header, with its tag. */
  readonly header: Uint8Array;
  readonly key: MessageKey;
  readonly messageId: Uint8Array;
  /** In bytes, at least 1. */
  readonly frameLength: number;
  readonly signer: Signer | undefined;
}

/**
 * Seals a message in parts: {@link start}, then {@link update} any number of times, then {@link final}. The parts
 * that they return are the message. It holds at most one frame of plaintext
 * ([Construct the body](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/client-apis/encrypt.md#construct-the-body)).
 */
export class MessageSealer {
  readonly #parameters: SealerParameters;
  readonly #frameAad: BodyAad;
  readonly #finalAad: BodyAad;
  readonly #iv = new Uint8Array(IV_LENGTH);
  #sequenceNumber = 0;
  /** Plaintext that may be in the final frame. */
  #pending: Uint8Array = NOTHING;
  #pendingLength = 0;

  constructor(parameters: SealerParameters) {
    this.#parameters = parameters;
    this.#frameAad = new BodyAad(parameters.messageId, 'frame');
    this.#finalAad = new BodyAad(parameters.messageId, 'final');
  }

  /** Returns the header. */
  start(): Uint8Array {
    const { header, signer } = this.#parameters;
    signer?.update(header);
    return header;
  }

  /** Returns the frames that are complete, and keeps a copy of the rest. */
  async update(plaintext: Uint8Array): Promise<Uint8Array> {
    const { frameLength, signer } = this.#parameters;
    const available = this.#pendingLength + plaintext.length;
    // The last frame waits: the final frame is to be as long as the others, not empty.
    const frames = Math.max(0, Math.ceil(available / frameLength) - 1);
    const sealed = new Uint8Array(frames * (frameLength + FRAME_OVERHEAD));
    let offset = 0;
    let taken = 0;
    for (let i = 0; i < frames; i++) {
      let frame: Uint8Array;
      if (this.#pendingLength > 0) {
        taken = frameLength - this.#pendingLength;
        this.#keep(plaintext.subarray(0, taken));
        frame = this.#pending;
        this.#pendingLength = 0;
      } else {
        frame = plaintext.subarray(taken, taken + frameLength);
        taken += frameLength;
      }
      offset = await this.#sealFrame(frame, sealed, offset);
    }
    this.#keep(plaintext.subarray(taken));
    signer?.update(sealed);
    return sealed;
  }

  /**
   * Returns the last frames and the footer.
   *
   * @param plaintext The rest of the plaintext.
   */
  async final(plaintext: Uint8Array = NOTHING): Promise<Uint8Array[]> {
    const frames = await this.update(plaintext);
    const content = this.#pending.subarray(0, this.#pendingLength);
    const final = await this.#sealFinalFrame(content);
    content.fill(0);
    const { signer } = this.#parameters;
    if (signer === undefined) return [frames, final];
    signer.update(final);
    const signature = signer.sign();
    const length = new Uint8Array(2);
    writeUint16(length, 0, signature.length);
    return [frames, final, length, signature];
  }

  #keep(plaintext: Uint8Array): void {
    if (plaintext.length === 0) return;
    const { frameLength } = this.#parameters;
    const needed = this.#pendingLength + plaintext.length;
    if (this.#pending.length < needed) {
      const grown = new Uint8Array(
        Math.min(frameLength, Math.max(needed, 2 * this.#pending.length)),
      );
      grown.set(this.#pending.subarray(0, this.#pendingLength));
      this.#pending.fill(0);
      this.#pending = grown;
    }
    this.#pending.set(plaintext, this.#pendingLength);
    this.#pendingLength = needed;
  }

  /** Writes a regular frame: sequence number, IV, content, tag. Returns the offset after it. */
  async #sealFrame(content: Uint8Array, target: Uint8Array, offset: number): Promise<number> {
    const number = this.#nextSequenceNumber();
    const aad = this.#frameAad.of(number, content.length);
    const start = writeUint32(target, offset, number);
    target.set(this.#iv, start);
    const end = offset + content.length + FRAME_OVERHEAD;
    const sealing = this.#parameters.key.seal(
      this.#iv,
      aad,
      content,
      target.subarray(start + IV_LENGTH, end),
    );
    if (sealing !== undefined) await sealing;
    return end;
  }

  /** Returns the final frame: mark, sequence number, IV, content length, content, tag. */
  async #sealFinalFrame(content: Uint8Array): Promise<Uint8Array> {
    const number = this.#nextSequenceNumber();
    const aad = this.#finalAad.of(number, content.length);
    const frame = new Uint8Array(FINAL_FRAME_START + content.length + TAG_LENGTH);
    const start = writeUint32(frame, writeUint32(frame, 0, FINAL_FRAME), number);
    frame.set(this.#iv, start);
    const contentStart = writeUint32(frame, start + IV_LENGTH, content.length);
    await this.#parameters.key.seal(this.#iv, aad, content, frame.subarray(contentStart));
    return frame;
  }

  /** Counts a frame; its IV is the number, padded with zeros. */
  #nextSequenceNumber(): number {
    if (this.#sequenceNumber === MAXIMUM_FRAMES) {
      throw new InvalidInputError(
        'frameLength',
        `is too small for this plaintext: a message has at most ${MAXIMUM_FRAMES} frames`,
      );
    }
    this.#sequenceNumber += 1;
    writeUint32(this.#iv, IV_LENGTH - 4, this.#sequenceNumber);
    return this.#sequenceNumber;
  }
}
