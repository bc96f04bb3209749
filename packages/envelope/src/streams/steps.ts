import { AbortError, type CallOptions, InvalidInputError, isUint8Array, wipe } from '@keywrap/core';
import { authenticateHeader, type OpenedHeader } from '../authenticate-header.js';
import { errorOf } from '../errors.js';
import { MessageOpener } from '../format/message-opener.js';
import type { MessageSealer } from '../format/message-sealer.js';
import type { Opening } from '../open-options.js';
import type { Sealing } from '../seal-options.js';
import { startMessage } from '../start-message.js';

/** The steps of a stream, of Web or of Node.js: both give chunks in order, and wait for each. */
export interface Steps {
  /** Takes a chunk, and returns what can leave now. */
  update(chunk: unknown): Promise<readonly Uint8Array[]>;
  /** Takes the end, and returns the rest. */
  final(): Promise<readonly Uint8Array[]>;
}

/** Seals what comes. The data key is made when the first chunk or the end comes. */
export function sealingSteps(sealing: Sealing, options: CallOptions): Steps {
  let sealer: MessageSealer | undefined;
  let left = options.bytesToEncrypt ?? Number.POSITIVE_INFINITY;
  const start = async (): Promise<[MessageSealer, Uint8Array[]]> => {
    if (sealer !== undefined) return [sealer, []];
    sealer = await startMessage(sealing, options);
    return [sealer, [sealer.start()]];
  };
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
      const [started, parts] = await start();
      return [...parts, await started.update(bytes)];
    },
    async final() {
      const [started, parts] = await start();
      return [...parts, ...(await started.final())];
    },
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
  const held: Uint8Array[] = [];
  let heldLength = 0;
  const opener = new MessageOpener({
    ...opening,
    maximumSingleBlock: opening.maximumFrameLength,
    async authenticate(header) {
      const authenticated = await authenticateHeader(header, opening, options);
      onHeader(authenticated.opened);
      return authenticated;
    },
  });
  const wipeHeld = (error: unknown): never => {
    for (const part of held) wipe(part);
    throw error;
  };
  return named('openStream', options.signal, {
    async update(chunk) {
      const opened = await opener.update(readChunk(chunk)).catch(wipeHeld);
      if (holdBack === undefined) return opened;
      held.push(...opened);
      for (const { length } of opened) heldLength += length;
      if (heldLength <= holdBack) return [];
      return wipeHeld(
        new InvalidInputError('message', `is longer than the ${holdBack} bytes of holdBack`),
      );
    },
    async final() {
      try {
        opener.final();
      } catch (error) {
        wipeHeld(error);
      }
      return held;
    },
  });
}

/** Adds the operation to errors, and stops when the signal is aborted. */
function named(operation: string, signal: AbortSignal | undefined, steps: Steps): Steps {
  const run = async (step: () => Promise<readonly Uint8Array[]>) => {
    try {
      if (signal?.aborted) throw abortError(signal);
      return await step();
    } catch (error) {
      throw errorOf(operation, error);
    }
  };
  return { update: (chunk) => run(() => steps.update(chunk)), final: () => run(steps.final) };
}

/** The error of a stream whose signal was aborted. */
export function abortError(signal: AbortSignal): AbortError {
  return new AbortError('the stream was aborted', { cause: signal.reason });
}

function readChunk(chunk: unknown): Uint8Array {
  if (isUint8Array(chunk)) return chunk;
  throw new InvalidInputError('chunk', 'must be a Uint8Array');
}
