import { AbortError, type CallOptions, InvalidInputError, isUint8Array, wipe } from '@keywrap/core';
import { authenticateHeader, type OpenedHeader } from '../authenticate-header.js';
import { errorOf } from '../errors.js';
import { MessageOpener } from '../format/message-opener.js';
import type { MessageSealer } from '../format/message-sealer.js';
import type { Opening } from '../open-options.js';
import type { Sealing } from '../seal-options.js';
import { startMessage } from '../start-message.js';
import { paceCollection } from './pace-collection.js';

/** The steps of a stream, of Web or of Node.js: both give chunks in order, and wait for each. */
export interface Steps {
  /** Takes a chunk, and returns what can leave now. */
  update(chunk: unknown): Promise<readonly Uint8Array[]>;
  /** Takes the end, and returns the rest. */
  final(): Promise<readonly Uint8Array[]>;
  /** Ends the stream, in whatever way and also during a step: wipes what has not left. */
  wipe(): void;
}

/** Seals what comes. The data key is made when the first chunk or the end comes. */
export function sealingSteps(sealing: Sealing, options: CallOptions): Steps {
  let sealer: MessageSealer | undefined;
  let left = options.bytesToEncrypt ?? Number.POSITIVE_INFINITY;
  const started = async () => (sealer ??= await startMessage(sealing, options));
  return named('sealStream', options.signal, {
    async update(chunk) {
      const bytes = readChunk(chunk);
      left -= bytes.length;
      // "this operation MUST NOT encrypt a plaintext with length greater than this value"
      if (left < 0) {
        throw new InvalidInputError(
          'options.bytesToEncrypt',
          'is less than the stream has; a data-key cache counts by it',
        );
      }
      paceCollection(bytes.length);
      return [await (await started()).update(bytes)];
    },
    final: async () => (await started()).final(),
    wipe: () => sealer?.wipe(),
  });
}

/** How an opening stream releases plaintext. */
export interface Releasing {
  /** The maximum length to hold back, in bytes; undefined releases each frame once it is authentic. */
  readonly holdBack: number | undefined;
  /** Told what the header says, once it is authentic. */
  readonly onHeader: (header: OpenedHeader) => void;
}

/** Opens what comes. */
export function openingSteps(opening: Opening, releasing: Releasing, options: CallOptions): Steps {
  const { holdBack, onHeader } = releasing;
  let held: Uint8Array[] = [];
  let heldLength = 0;
  const opener = new MessageOpener({
    maximumDataKeys: opening.maximumDataKeys,
    maximumFrameLength: opening.maximumFrameLength,
    maximumSingleBlock: opening.maximumFrameLength,
    async authenticate(header) {
      const authenticated = await authenticateHeader(header, opening, options);
      onHeader(authenticated.opened);
      return authenticated;
    },
  });
  return named('openStream', options.signal, {
    async update(chunk) {
      const bytes = readChunk(chunk);
      paceCollection(bytes.length);
      const opened = await opener.update(bytes);
      if (holdBack === undefined) return opened;
      held.push(...opened);
      for (const { length } of opened) heldLength += length;
      if (heldLength <= holdBack) return [];
      throw new InvalidInputError('message', `is longer than the ${holdBack} bytes of holdBack`);
    },
    async final() {
      opener.final();
      const released = held;
      held = [];
      return released;
    },
    wipe() {
      opener.wipe();
      for (const part of held) wipe(part);
    },
  });
}

/** Adds the operation to errors, wipes after one, and stops when the signal is aborted. */
function named(operation: string, signal: AbortSignal | undefined, steps: Steps): Steps {
  let isWiped = false;
  const end = () => {
    isWiped = true;
    steps.wipe();
  };
  const run = async (step: Promise<readonly Uint8Array[]>) => {
    try {
      const parts = await step;
      if (!isWiped) return parts;
      for (const part of parts) wipe(part);
      throw new AbortError('the stream was ended early');
    } catch (error) {
      end();
      throw errorOf(operation, error);
    }
  };
  const unlessAborted = (step: () => Promise<readonly Uint8Array[]>) =>
    run(signal?.aborted ? Promise.reject(abortError(signal)) : step());
  return {
    update: (chunk) => unlessAborted(() => steps.update(chunk)),
    final: () => unlessAborted(steps.final),
    wipe: end,
  };
}

/** The error of a stream whose signal was aborted. */
export function abortError(signal: AbortSignal): AbortError {
  return new AbortError('the stream was aborted', { cause: signal.reason });
}

function readChunk(chunk: unknown): Uint8Array {
  if (isUint8Array(chunk)) return chunk;
  throw new InvalidInputError('chunk', 'must be a Uint8Array');
}
