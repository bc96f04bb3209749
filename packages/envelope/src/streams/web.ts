import {
  AbortError,
  type CallOptions,
  type KeyWrapProvider,
  parseCall,
  readSafely,
} from '@keywrap/core';
import type { OpenedHeader } from '../authenticate-header.js';
import { readSealOptions, type SealOptions } from '../seal-options.js';
import { type OpenStreamOptions, readOpenStreamOptions } from './open-stream-options.js';
import { abortError, openingSteps, type Steps, sealingSteps } from './steps.js';

/**
 * Makes a stream that encrypts what is piped through it into one message, frame by frame. It holds at most one
 * frame and one chunk, however long the stream is.
 *
 * @param callOptions `bytesToEncrypt` is the longest length of the stream, in bytes: with it a data-key cache can
 * share the data key, and a longer stream fails.
 * @throws `InvalidInputError` at once; the stream fails as `seal` does.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { sealStream } from '@keywrap/envelope';
 *
 * const upload = (keys: KeyWrapProvider, file: Blob, url: string) =>
 *   fetch(url, {
 *     method: 'PUT',
 *     duplex: 'half',
 *     body: file.stream().pipeThrough(
 *       sealStream(keys, { keyId: 'alias/files', encryptionContext: { url } }),
 *     ),
 *   });
 * ```
 */
export function sealStream(
  provider: KeyWrapProvider,
  options: SealOptions,
  callOptions?: CallOptions,
): TransformStream<Uint8Array, Uint8Array> {
  const { sealing, call } = readSafely('sealStream', 'options', () => ({
    sealing: readSealOptions(provider, options),
    call: parseCall(callOptions),
  }));
  return toWebStream(sealingSteps(sealing, call), call.signal);
}

/** An opening stream, and what the header of its message says. */
export interface OpenStream extends TransformStream<Uint8Array, Uint8Array> {
  /** Resolves once the header is authentic, before plaintext leaves; rejects with the stream. */
  readonly header: Promise<OpenedHeader>;
}

/**
 * Makes a stream that decrypts the message that is piped through it. It holds at most two frames and one chunk,
 * however long the message is. Plaintext leaves frame by frame, each once it is authentic.
 *
 * **Do not act on plaintext before the stream has ended**: only the end shows that nothing is missing and, for a
 * signed message, that the signature is valid. If the stream fails, discard what has left it: write into a
 * temporary file, or a transaction, and complete it at the end. Where that can't be done, `holdBack` releases
 * nothing before the end.
 *
 * @throws `InvalidInputError` at once; the stream fails as `open` does.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { openStream } from '@keywrap/envelope';
 *
 * async function download(keys: KeyWrapProvider, url: string, file: WritableStream<Uint8Array>) {
 *   const { body } = await fetch(url);
 *   await body
 *     ?.pipeThrough(
 *       openStream(keys, { trustedKeys: ['alias/files'], encryptionContext: { url } }),
 *     )
 *     .pipeTo(file); // rejects, and aborts the file, if the message is damaged or truncated
 * }
 * ```
 */
export function openStream(
  provider: KeyWrapProvider,
  options: OpenStreamOptions,
  callOptions?: CallOptions,
): OpenStream {
  const { opening, call } = readSafely('openStream', 'options', () => ({
    opening: readOpenStreamOptions(provider, options),
    call: parseCall(callOptions),
  }));
  const { promise, resolve, reject } = withResolvers<OpenedHeader>();
  const steps = openingSteps(opening, { holdBack: opening.holdBack, onHeader: resolve }, call);
  return Object.assign(toWebStream(steps, call.signal, reject), { header: promise });
}

function toWebStream(
  steps: Steps,
  signal: AbortSignal | undefined,
  onError: (error: unknown) => void = () => {},
): TransformStream<Uint8Array, Uint8Array> {
  let stop = () => {};
  const leave = async (
    step: Promise<readonly Uint8Array[]>,
    controller: TransformStreamDefaultController<Uint8Array>,
  ) => {
    try {
      for (const part of await step) if (part.length > 0) controller.enqueue(part);
    } catch (error) {
      end(error);
      throw error;
    }
  };
  const end = (error: unknown) => {
    signal?.removeEventListener('abort', stop);
    steps.wipe();
    onError(error);
  };
  // TypeScript does not know `cancel` yet (https://streams.spec.whatwg.org/#transformer-api).
  const transformer: Transformer & { cancel(reason: unknown): void } = {
    start(controller) {
      if (signal === undefined) return;
      stop = () => {
        const error = abortError(signal);
        end(error);
        controller.error(error);
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    },
    transform: (chunk, controller) => leave(steps.update(chunk), controller),
    async flush(controller) {
      await leave(steps.final(), controller);
      signal?.removeEventListener('abort', stop);
    },
    /** The source failed, or the reader needs no more. */
    cancel: (cause) => end(new AbortError('the stream was ended early', { cause })),
  };
  return new TransformStream(transformer);
}

/** `Promise.withResolvers`, which Node.js 20 does not have; a rejection that nobody awaits is no error. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

type Transformer = NonNullable<
  ConstructorParameters<typeof TransformStream<Uint8Array, Uint8Array>>[0]
>;
