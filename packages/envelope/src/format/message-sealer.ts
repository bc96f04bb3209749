import { InvalidInputError, wipe } from '@keywrap/core';
import type { MessageKey, Signer } from '../engines/engine.js';
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
 * Seals a message in parts: {@link update} any number of times, then {@link final}. What they return is the message. It
 * holds at most one frame of plaintext ([Construct the
 * body](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/client-apis/encrypt.md#construct-the-body)).
 */
export class MessageSealer {
  readonly #parameters: SealerParameters;
  /** Until it has left. */
  #header: Uint8Array;
  #frameAad: BodyAad | undefined;
  readonly #iv = new Uint8Array(IV_LENGTH);
  #sequenceNumber: number;
  /** Plaintext that may be in the final frame. */
  #pending: Uint8Array = NOTHING;
  #pendingLength = 0;

  /** @param sequenceNumber That of the frame before the first one. */
  constructor(parameters: SealerParameters, sequenceNumber = 0) {
    this.#parameters = parameters;
    this.#header = parameters.header;
    this.#sequenceNumber = sequenceNumber;
  }

  /** Returns the header, if it has not left, and the frames that are complete. Keeps a copy of the rest. */
  async update(plaintext: Uint8Array): Promise<Uint8Array> {
    const count = this.#countFrames(plaintext);
    const target = this.#startPart(count * (this.#parameters.frameLength + FRAME_OVERHEAD));
    this.#keep(await this.#sealFrames(plaintext, count, target));
    this.#parameters.signer?.update(target);
    return target;
  }

  /**
   * Returns what is left of the message; of a signed one, the footer apart.
   *
   * @param plaintext The rest of the plaintext.
   */
  async final(plaintext: Uint8Array = NOTHING): Promise<Uint8Array[]> {
    const { frameLength, signer } = this.#parameters;
    const count = this.#countFrames(plaintext);
    const lastLength = this.#pendingLength + plaintext.length - count * frameLength;
    const end = FINAL_FRAME_START + lastLength + TAG_LENGTH;
    const target = this.#startPart(count * (frameLength + FRAME_OVERHEAD) + end);
    const rest = await this.#sealFrames(plaintext, count, target);
    if (this.#pendingLength > 0) this.#keep(rest);
    const last = this.#pendingLength > 0 ? this.#pending.subarray(0, lastLength) : rest;
    const sealing = this.#sealFrame(last, 'final', target, target.length - end);
    if (sealing !== undefined) await sealing;
    this.wipe();
    if (signer === undefined) return [target];
    signer.update(target);
    const signature = signer.sign();
    const footer = new Uint8Array(2 + signature.length);
    footer.set(signature, writeUint16(footer, 0, signature.length));
    return [target, footer];
  }

  /** Ends the message, complete or not: wipes its key, and the plaintext that is held. */
  wipe(): void {
    this.#parameters.key.wipe();
    wipe(this.#pending);
  }

  /**
   * Counts the frames that are complete, without the last one: the final frame is to be as long as the others, not
   * empty.
   */
  #countFrames(plaintext: Uint8Array): number {
    const available = this.#pendingLength + plaintext.length;
    return Math.max(0, Math.ceil(available / this.#parameters.frameLength) - 1);
  }

  /** Allocates a part of the message, which starts with the header if that has not left. */
  #startPart(length: number): Uint8Array {
    const part = new Uint8Array(this.#header.length + length);
    part.set(this.#header);
    return part;
  }

  /** Writes frames after the header, if that has not left. Returns the rest of the plaintext. */
  async #sealFrames(plaintext: Uint8Array, count: number, target: Uint8Array): Promise<Uint8Array> {
    const { frameLength } = this.#parameters;
    let offset = this.#header.length;
    this.#header = NOTHING;
    let taken = 0;
    for (let i = 0; i < count; i++) {
      let content = plaintext.subarray(taken, taken + frameLength - this.#pendingLength);
      taken += content.length;
      if (this.#pendingLength > 0) {
        this.#keep(content);
        this.#pendingLength = 0;
        content = this.#pending;
      }
      const sealing = this.#sealFrame(content, 'frame', target, offset);
      if (sealing !== undefined) await sealing;
      offset += frameLength + FRAME_OVERHEAD;
    }
    return plaintext.subarray(taken);
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
      wipe(this.#pending);
      this.#pending = grown;
    }
    this.#pending.set(plaintext, this.#pendingLength);
    this.#pendingLength = needed;
  }

  /**
   * Writes a regular frame: sequence number, IV, content, tag; or the final one: mark, sequence number, IV, content
   * length, content, tag.
   */
  #sealFrame(
    content: Uint8Array,
    kind: 'frame' | 'final',
    target: Uint8Array,
    start: number,
  ): void | Promise<void> {
    const { key, messageId } = this.#parameters;
    const number = this.#nextSequenceNumber(kind);
    let offset = kind === 'final' ? writeUint32(target, start, FINAL_FRAME) : start;
    offset = writeUint32(target, offset, number);
    target.set(this.#iv, offset);
    offset += IV_LENGTH;
    if (kind === 'final') offset = writeUint32(target, offset, content.length);
    if (this.#frameAad?.kind !== kind) this.#frameAad = new BodyAad(messageId, kind);
    const aad = this.#frameAad.of(number, content.length);
    const end = offset + content.length + TAG_LENGTH;
    return key.seal(this.#iv, aad, content, target.subarray(offset, end));
  }

  /** Counts a frame; its IV is the number, padded with zeros. The last number is for a final frame: it is the mark. */
  #nextSequenceNumber(kind: 'frame' | 'final'): number {
    const number = this.#sequenceNumber + 1;
    if (number > (kind === 'final' ? MAXIMUM_FRAMES : MAXIMUM_FRAMES - 1)) {
      throw new InvalidInputError(
        'frameLength',
        `is too small for this plaintext: a message has at most ${MAXIMUM_FRAMES} frames`,
      );
    }
    this.#sequenceNumber = number;
    writeUint32(this.#iv, IV_LENGTH - 4, number);
    return number;
  }
}
