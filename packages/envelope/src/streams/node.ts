import { Transform } from 'node:stream';
import { type CallOptions, type KeyWrapProvider, parseCall, readSafely } from '@keywrap/core';
import type { OpenedHeader } from '../authenticate-header.js';
import { readSealOptions, type SealOptions } from '../seal-options.js';
import { type OpenStreamOptions, readOpenStreamOptions } from './open-stream-options.js';
import { abortError, openingSteps, type Steps, sealingSteps } from './steps.js';

/**
 * Makes a Node.js stream that encrypts what is written to it into one message, as `sealStream` does for Web Streams.
 *
 * @throws `InvalidInputError` at once; the stream fails as `seal` does.
 *
 * @example
 * ```ts
 * import { createReadStream, createWriteStream } from 'node:fs';
 * import { rename } from 'node:fs/promises';
 * import { pipeline } from 'node:stream/promises';
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { sealTransform } from '@keywrap/envelope/node';
 *
 * async function sealFile(keys: KeyWrapProvider, id: string, from: string, to: string) {
 *   const options = { keyId: 'alias/files', encryptionContext: { file: id } };
 *   const unfinished = `${to}.unfinished`;
 *   await pipeline(
 *     createReadStream(from),
 *     sealTransform(keys, options),
 *     createWriteStream(unfinished),
 *   );
 *   await rename(unfinished, to); // not reached if reading, sealing or writing failed
 * }
 * ```
 */
export function sealTransform(
  provider: KeyWrapProvider,
  options: SealOptions,
  callOptions?: CallOptions,
): Transform {
  const { sealing, call } = readSafely('sealTransform', 'options', () => ({
    sealing: readSealOptions(provider, options),
    call: parseCall(callOptions),
  }));
  return toNodeStream(sealingSteps(sealing, call), call.signal);
}

/**
 * An opening stream. Emits `header` with an {@link OpenedHeader} once the header is authentic, before plaintext
 * leaves.
 */
export type OpenTransform = Transform & {
  once(event: 'header', listener: (header: OpenedHeader) => void): OpenTransform;
};

/**
 * Makes a Node.js stream that decrypts the message that is written to it, as `openStream` does for Web Streams: **do not
 * act on plaintext before the stream has ended**, and discard it if the stream fails.
 *
 * @throws `InvalidInputError` at once; the stream fails as `open` does.
 *
 * @example
 * ```ts
 * import { createReadStream, createWriteStream } from 'node:fs';
 * import { rename } from 'node:fs/promises';
 * import { pipeline } from 'node:stream/promises';
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { openTransform } from '@keywrap/envelope/node';
 *
 * async function openFile(keys: KeyWrapProvider, id: string, from: string, to: string) {
 *   const options = { trustedKeys: ['alias/files'], encryptionContext: { file: id } };
 *   const unfinished = `${to}.unfinished`;
 *   await pipeline(
 *     createReadStream(from),
 *     openTransform(keys, options),
 *     createWriteStream(unfinished),
 *   );
 *   await rename(unfinished, to); // not reached if the message is damaged or truncated
 * }
 * ```
 */
export function openTransform(
  provider: KeyWrapProvider,
  options: OpenStreamOptions,
  callOptions?: CallOptions,
): OpenTransform {
  const { opening, call } = readSafely('openTransform', 'options', () => ({
    opening: readOpenStreamOptions(provider, options),
    call: parseCall(callOptions),
  }));
  const onHeader = (header: OpenedHeader) => void stream.emit('header', header);
  const steps = openingSteps(opening, { holdBack: opening.holdBack, onHeader }, call);
  const stream = toNodeStream(steps, call.signal);
  return stream;
}

function toNodeStream(steps: Steps, signal: AbortSignal | undefined): Transform {
  const leave = (
    step: Promise<readonly Uint8Array[]>,
    callback: (error?: Error | null) => void,
  ): void => {
    step.then((parts) => {
      for (const part of parts) if (part.length > 0) stream.push(part);
      callback();
    }, callback);
  };
  const stream = new Transform({
    transform: (chunk: unknown, _encoding, callback) => leave(steps.update(chunk), callback),
    flush: (callback) => leave(steps.final(), callback),
    destroy(error, callback) {
      steps.wipe();
      callback(error);
    },
  });
  if (signal === undefined) return stream;
  const stop = () => void stream.destroy(abortError(signal));
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return stream.once('close', () => signal.removeEventListener('abort', stop));
}
