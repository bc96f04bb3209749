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
 * that they return are the message. It holds at most one frame of plaintext ([Construct the
 * body](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/client-apis/encrypt.md#construct-the-body)).
 */
export class MessageSealer {
  readonly #parameters: SealerParameters;
  #frameAad: BodyAad | undefined;
  readonly #iv = new Uint8Array(IV_LENGTH);
  #sequenceNumber = 0;
  /** Plaintext that may be in the final frame. */
  #pending: Uint8Array = NOTHING;
  #pendingLength = 0;

  constructor(parameters: SealerParameters) {
    this.#parameters = parameters;
  }

  /** Returns the header. */
  start(): Uint8Array {
    const { header, signer } = this.#parameters;
    signer?.update(header);
    return header;
  }

  /** Returns the frames that are complete, and keeps a copy of the rest. */
  async update(plaintext: Uint8Array): Promise<Uint8Array> {
    const { frames, rest } = await this.#sealFrames(plaintext);
    this.#keep(rest);
    return frames;
  }

  /**
   * Returns the last frames and the footer.
   *
   * @param plaintext The rest of the plaintext.
   */
  async final(plaintext: Uint8Array = NOTHING): Promise<Uint8Array[]> {
    const { frames, rest } = await this.#sealFrames(plaintext);
    if (this.#pendingLength > 0) this.#keep(rest);
    const pending = this.#pending.subarray(0, this.#pendingLength);
    const final = await this.#sealFinalFrame(pending.length > 0 ? pending : rest);
    pending.fill(0);
    const { signer } = this.#parameters;
    if (signer === undefined) return [frames, final];
    signer.update(final);
    const signature = signer.sign();
    const length = new Uint8Array(2);
    writeUint16(length, 0, signature.length);
    return [frames, final, length, signature];
  }

  /**
   * Seals the frames that are complete, without the last one: the final frame is to be as long as the others, not
   * empty.
   */
  async #sealFrames(plaintext: Uint8Array): Promise<{ frames: Uint8Array; rest: Uint8Array }> {
    const { frameLength, signer } = this.#parameters;
    const available = this.#pendingLength + plaintext.length;
    const count = Math.max(0, Math.ceil(available / frameLength) - 1);
    if (count === 0) return { frames: NOTHING, rest: plaintext };
    const frames = new Uint8Array(count * (frameLength + FRAME_OVERHEAD));
    let offset = 0;
    let taken = 0;
    if (this.#pendingLength > 0) {
      taken = frameLength - this.#pendingLength;
      this.#keep(plaintext.subarray(0, taken));
      this.#pendingLength = 0;
      offset = await this.#sealFrame(this.#pending, frames, offset);
    }
    while (offset < frames.length) {
      const frame = plaintext.subarray(taken, taken + frameLength);
      offset = await this.#sealFrame(frame, frames, offset);
      taken += frameLength;
    }
    signer?.update(frames);
    return { frames, rest: plaintext.subarray(taken) };
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
    this.#frameAad ??= new BodyAad(this.#parameters.messageId, 'frame');
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
    const aad = new BodyAad(this.#parameters.messageId, 'final').of(number, content.length);
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
