import { InvalidInputError, wipe } from '@keywrap/core';
import type { MessageKey, Verifier } from '../engine/engine.js';
import { damagedMessage } from '../errors.js';
import { IV_LENGTH, TAG_LENGTH } from './algorithm-suite.js';
import {
  BodyAad,
  FINAL_FRAME,
  FINAL_FRAME_START,
  FRAME_OVERHEAD,
  SINGLE_BLOCK_START,
} from './body.js';
import { ByteQueue } from './byte-queue.js';
import { uint16, uint32 } from './bytes.js';
import type { MessageHeader } from './header.js';
import { type HeaderLimits, HeaderParser } from './parse-header.js';

/** What opens a message whose header was authenticated. */
export interface OpeningKeys {
  readonly key: MessageKey;
  readonly verifier: Verifier | undefined;
}

/** How to open a message. */
export interface OpenerParameters extends HeaderLimits {
  /** Authenticates the header, or rejects. Called once. */
  readonly authenticate: (header: MessageHeader) => Promise<OpeningKeys>;
  /** The maximum length of a body without frames, which has to be held until its tag was verified. */
  readonly maximumSingleBlock: number;
}

type State = 'header' | 'frames' | 'single-block' | 'footer' | 'end';

/**
 * Opens a message in parts: {@link update} any number of times, then {@link final}. Plaintext is returned once its
 * frame is authentic; the last frame of a signed message, once the signature is verified. Holds at most one frame
 * ([Decrypt the message
 * body](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/client-apis/decrypt.md#decrypt-the-message-body)).
 */
export class MessageOpener {
  readonly #parameters: OpenerParameters;
  readonly #queue = new ByteQueue();
  readonly #headerParser: HeaderParser;
  #state: State = 'header';
  #messageId!: Uint8Array;
  #frameLength!: number;
  #keys!: OpeningKeys;
  #frameAad: BodyAad | undefined;
  #sequenceNumber = 0;
  /** The last plaintext of a signed message. */
  #held: Uint8Array | undefined;

  constructor(parameters: OpenerParameters) {
    this.#parameters = parameters;
    this.#headerParser = new HeaderParser(parameters);
  }

  /**
   * Takes the next bytes of the message, and returns the plaintext that they complete, in parts.
   *
   * @throws InvalidCiphertextError when the message is damaged, and what `authenticate` rejects with.
   */
  async update(bytes: Uint8Array): Promise<Uint8Array[]> {
    this.#queue.push(bytes);
    if (this.#state === 'header') await this.#readHeader();
    const opened: Uint8Array[] = [];
    if (this.#state === 'frames') await this.#openFrames(opened);
    else if (this.#state === 'single-block') await this.#openSingleBlock(opened);
    if (this.#state === 'footer') this.#verifyFooter(opened);
    // "if there are consumable bytes which are intended to be decrypted, this operation MUST fail"
    if (this.#state === 'end' && this.#queue.length > 0) this.#fail(opened);
    return opened;
  }

  /** @throws InvalidCiphertextError when the message is not complete. */
  final(): void {
    if (this.#state !== 'end') this.#fail([]);
  }

  async #readHeader(): Promise<void> {
    if (this.#queue.length < this.#headerParser.needed) return;
    const header = this.#headerParser.parse(this.#queue.peek());
    if (header === undefined) return;
    this.#keys = await this.#parameters.authenticate(header);
    this.#keys.verifier?.update(this.#queue.peek(header.length));
    this.#queue.take(header.length);
    // A copy: the fields of the header share the memory of the queue, which is used again.
    this.#messageId = header.messageId.slice();
    this.#frameLength = header.frameLength;
    this.#state = header.frameLength > 0 ? 'frames' : 'single-block';
  }

  async #openFrames(opened: Uint8Array[]): Promise<void> {
    const frameLength = this.#frameLength;
    const length = frameLength + FRAME_OVERHEAD;
    const available = this.#queue.peek();
    let count = 0;
    while (
      (count + 1) * length <= available.length &&
      uint32(available, count * length) !== FINAL_FRAME
    ) {
      count += 1;
    }
    if (count > 0) {
      this.#frameAad ??= new BodyAad(this.#messageId, 'frame');
      const frames = this.#queue.take(count * length);
      const plaintext = new Uint8Array(count * frameLength);
      opened.push(plaintext);
      for (let i = 0; i < count; i++) {
        const frame = frames.subarray(i * length, (i + 1) * length);
        this.#sequenceNumber += 1;
        if (uint32(frame) !== this.#sequenceNumber) this.#fail(opened);
        const aad = this.#frameAad.of(this.#sequenceNumber, frameLength);
        const target = plaintext.subarray(i * frameLength, (i + 1) * frameLength);
        const opening = this.#keys.key.open(
          frame.subarray(4, 4 + IV_LENGTH),
          aad,
          frame.subarray(4 + IV_LENGTH),
          target,
        );
        if (!(typeof opening === 'boolean' ? opening : await opening)) this.#fail(opened);
      }
      this.#keys.verifier?.update(frames);
    }
    await this.#openFinalFrame(opened);
  }

  async #openFinalFrame(opened: Uint8Array[]): Promise<void> {
    const available = this.#queue.peek();
    if (available.length < FINAL_FRAME_START || uint32(available) !== FINAL_FRAME) return;
    const sequenceNumber = uint32(available, 4);
    const length = uint32(available, FINAL_FRAME_START - 4);
    if (sequenceNumber !== this.#sequenceNumber + 1 || length > this.#frameLength) {
      this.#fail(opened);
    }
    const iv = available.subarray(8, 8 + IV_LENGTH);
    const aad = new BodyAad(this.#messageId, 'final').of(sequenceNumber, length);
    await this.#openLast(FINAL_FRAME_START, length, iv, aad, opened);
  }

  async #openSingleBlock(opened: Uint8Array[]): Promise<void> {
    const available = this.#queue.peek();
    if (available.length < SINGLE_BLOCK_START) return;
    const iv = available.subarray(0, IV_LENGTH);
    const length = uint32(available, IV_LENGTH) * 2 ** 32 + uint32(available, IV_LENGTH + 4);
    if (length > MAXIMUM_SINGLE_BLOCK) this.#fail(opened);
    if (length > this.#parameters.maximumSingleBlock) {
      throw new InvalidInputError(
        'message',
        `has a body of ${length} bytes in one block, which has to be held; at most ${this.#parameters.maximumSingleBlock} are allowed: set maximumFrameLength if you trust its author`,
      );
    }
    const aad = new BodyAad(this.#messageId, 'single').of(1, length);
    await this.#openLast(SINGLE_BLOCK_START, length, iv, aad, opened);
  }

  /** Opens the last part of the body, if there is all of it. */
  async #openLast(
    start: number,
    length: number,
    iv: Uint8Array,
    aad: Uint8Array,
    opened: Uint8Array[],
  ): Promise<void> {
    const end = start + length + TAG_LENGTH;
    if (this.#queue.length < end) return;
    const part = this.#queue.take(end);
    const plaintext = new Uint8Array(length);
    opened.push(plaintext);
    if (!(await this.#keys.key.open(iv, aad, part.subarray(start), plaintext))) this.#fail(opened);
    if (this.#keys.verifier === undefined) {
      this.#state = 'end';
      return;
    }
    this.#keys.verifier.update(part);
    this.#held = opened.pop();
    this.#state = 'footer';
  }

  /** Verifies the signature ([Footer](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/data-format/message-footer.md)). */
  #verifyFooter(opened: Uint8Array[]): void {
    const available = this.#queue.peek();
    if (available.length < 2) return;
    const end = 2 + uint16(available);
    if (available.length < end) return;
    const signature = this.#queue.take(end).subarray(2);
    if (!this.#keys.verifier?.verify(signature)) this.#fail(opened);
    opened.push(this.#held as Uint8Array);
    this.#held = undefined;
    this.#state = 'end';
  }

  /** Wipes plaintext that nobody may see. */
  #fail(opened: readonly Uint8Array[]): never {
    for (const part of opened) wipe(part);
    if (this.#held !== undefined) wipe(this.#held);
    throw damagedMessage();
  }
}

/** "The length MUST NOT be greater than 2^36 - 32" ([Non-Framed Data](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/data-format/message-body.md#encrypted-content-length)). */
const MAXIMUM_SINGLE_BLOCK = 2 ** 36 - 32;
