import { InvalidInputError, wipe } from '@keywrap/core';
import type { MessageKey, Verifier } from '../engines/engine.js';
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
  #sequenceNumber: number;
  /** Plaintext that is authentic, and has not left. */
  #opened: Uint8Array[] = [];
  /** The last plaintext of a signed message. */
  #held: Uint8Array | undefined;
  #isWiped = false;

  /** @param sequenceNumber That of the frame before the first one. */
  constructor(parameters: OpenerParameters, sequenceNumber = 0) {
    this.#parameters = parameters;
    this.#sequenceNumber = sequenceNumber;
    this.#headerParser = new HeaderParser(parameters);
  }

  /**
   * Takes the next bytes of the message, and returns the plaintext that they complete, in parts.
   *
   * @throws InvalidCiphertextError when the message is damaged, and what `authenticate` rejects with.
   */
  async update(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    this.#queue.push(bytes);
    try {
      await this.#openWhatThereIs();
    } catch (error) {
      this.wipe();
      throw error;
    }
    const opened = this.#opened;
    this.#opened = [];
    return opened;
  }

  /** @throws InvalidCiphertextError when the message is not complete. */
  final(): void {
    const isComplete = this.#state === 'end';
    this.wipe();
    if (!isComplete) throw damagedMessage();
  }

  /** Ends the message, complete or not: wipes its key, and the plaintext that has not left. */
  wipe(): void {
    this.#isWiped = true;
    if (this.#state !== 'header') this.#keys.key.wipe();
    for (const part of this.#opened) wipe(part);
    if (this.#held !== undefined) wipe(this.#held);
  }

  async #openWhatThereIs(): Promise<void> {
    if (this.#state === 'header') await this.#readHeader();
    if (this.#state === 'frames') await this.#openFrames();
    else if (this.#state === 'single-block') await this.#openSingleBlock();
    if (this.#state === 'footer') this.#verifyFooter();
    // "if there are consumable bytes which are intended to be decrypted, this operation MUST fail"
    if (this.#state === 'end' && this.#queue.length > 0) throw damagedMessage();
  }

  async #readHeader(): Promise<void> {
    if (this.#queue.length < this.#headerParser.needed) return;
    const header = this.#headerParser.parse(this.#queue.peek());
    if (header === undefined) return;
    this.#keys = await this.#parameters.authenticate(header);
    // It was given up while a provider unwrapped its data key.
    if (this.#isWiped) this.#keys.key.wipe();
    this.#keys.verifier?.update(this.#queue.peek(header.length));
    this.#queue.take(header.length);
    // A copy: the fields of the header share the memory of the queue, which is used again.
    this.#messageId = header.messageId.slice();
    this.#frameLength = header.frameLength;
    this.#state = header.frameLength > 0 ? 'frames' : 'single-block';
  }

  async #openFrames(): Promise<void> {
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
      this.#opened.push(plaintext);
      for (let i = 0; i < count; i++) {
        const start = i * length;
        this.#sequenceNumber += 1;
        if (uint32(frames, start) !== this.#sequenceNumber) throw damagedMessage();
        const opening = this.#keys.key.open(
          frames.subarray(start + 4, start + 4 + IV_LENGTH),
          this.#frameAad.of(this.#sequenceNumber, frameLength),
          frames.subarray(start + 4 + IV_LENGTH, start + length),
        );
        const opened = opening instanceof Promise ? await opening : opening;
        if (opened === undefined) throw damagedMessage();
        plaintext.set(opened, i * frameLength);
        wipe(opened);
      }
      this.#keys.verifier?.update(frames);
    }
    await this.#openFinalFrame();
  }

  async #openFinalFrame(): Promise<void> {
    const available = this.#queue.peek();
    if (available.length < FINAL_FRAME_START || uint32(available) !== FINAL_FRAME) return;
    const sequenceNumber = uint32(available, 4);
    const length = uint32(available, FINAL_FRAME_START - 4);
    if (sequenceNumber !== this.#sequenceNumber + 1 || length > this.#frameLength) {
      throw damagedMessage();
    }
    const iv = available.subarray(8, 8 + IV_LENGTH);
    const aad = new BodyAad(this.#messageId, 'final').of(sequenceNumber, length);
    await this.#openLast(FINAL_FRAME_START, length, iv, aad);
  }

  async #openSingleBlock(): Promise<void> {
    const available = this.#queue.peek();
    if (available.length < SINGLE_BLOCK_START) return;
    const iv = available.subarray(0, IV_LENGTH);
    const length = uint32(available, IV_LENGTH) * 2 ** 32 + uint32(available, IV_LENGTH + 4);
    if (length > MAXIMUM_SINGLE_BLOCK) throw damagedMessage();
    if (length > this.#parameters.maximumSingleBlock) {
      throw new InvalidInputError(
        'message',
        `has a body of ${length} bytes in one block, which has to be held; at most ${this.#parameters.maximumSingleBlock} are allowed: set maximumFrameLength if you trust its author`,
      );
    }
    const aad = new BodyAad(this.#messageId, 'single').of(1, length);
    await this.#openLast(SINGLE_BLOCK_START, length, iv, aad);
  }

  /** Opens the last part of the body, if there is all of it. */
  async #openLast(start: number, length: number, iv: Uint8Array, aad: Uint8Array): Promise<void> {
    const end = start + length + TAG_LENGTH;
    if (this.#queue.length < end) return;
    const part = this.#queue.take(end);
    const plaintext = await this.#keys.key.open(iv, aad, part.subarray(start));
    if (plaintext === undefined) throw damagedMessage();
    if (this.#keys.verifier === undefined) {
      this.#opened.push(plaintext);
      this.#state = 'end';
      return;
    }
    this.#keys.verifier.update(part);
    this.#held = plaintext;
    this.#state = 'footer';
  }

  /** Verifies the signature ([Footer](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/data-format/message-footer.md)). */
  #verifyFooter(): void {
    const available = this.#queue.peek();
    if (available.length < 2) return;
    const end = 2 + uint16(available);
    if (available.length < end) return;
    const signature = this.#queue.take(end).subarray(2);
    if (!this.#keys.verifier?.verify(signature)) throw damagedMessage();
    this.#opened.push(this.#held as Uint8Array);
    this.#held = undefined;
    this.#state = 'end';
  }
}

/** "The length MUST NOT be greater than 2^36 - 32" ([Non-Framed Data](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/data-format/message-body.md#encrypted-content-length)). */
const MAXIMUM_SINGLE_BLOCK = 2 ** 36 - 32;
