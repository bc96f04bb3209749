import type { Layer } from '../driver/driver.js';
import type { Awaitable } from '../driver/requests.js';
import { assertMethods } from '../provider/assert-provider.js';
import { isUint8Array, wipe } from '../provider/bytes.js';
import { KeyWrapError, ProviderUnavailableError } from '../provider/errors.js';
import type { KeyWrapProvider } from '../provider/provider.js';
import { readValue } from '../provider/read-fields.js';
import { aroundEach } from './around-each.js';
import { withLayer } from './with-layer.js';

/** The record of a call. It never contains a plaintext, a ciphertext or the value of a context. */
export interface AuditEvent {
  /** The method: `decrypt`, `rotateKey`, ... */
  readonly operation: string;
  /** The keys as the caller named them. */
  readonly asked?: readonly string[];
  /** The ARNs of the keys that were used. */
  readonly keys?: readonly string[];
  /** The keys of the encryption context, in order, without their values. */
  readonly context?: readonly string[];
  /** `ok`, or the code of the error. */
  readonly outcome: string;
}

/** Where audit events go: a file, a stream, a callback. */
export interface AuditSink {
  /** Writes an event. The call waits for it, and fails if it throws. */
  write(event: AuditEvent): Awaitable<void>;
  /** Called once, when the last event was written. */
  close?(): Awaitable<void>;
}

/** The longest name to write, in characters: that of an ARN. Calls with longer names were rejected. */
const NAME_LENGTH = 2048;
/** The longest encryption context that is accepted, in characters. */
const CONTEXT_LENGTH = 8192;

/**
 * Writes every call of a provider to an audit log: the operations of `KeyWrapProvider`, those that
 * manage keys, and calls that are rejected before they reach the driver. A call is written when it has
 * finished, even if its caller gave up, and before its result is returned: if it can't be written, the call
 * fails.
 *
 * @param provider Closed with the provider that is returned, and so is the sink.
 * @throws {@link InvalidInputError} when the sink has no method `write`.
 * @throws what the sink throws, for each call; anything but a `KeyWrapError` as `ProviderUnavailableError`.
 *
 * @example Events as lines of a stream, for example of `fs.createWriteStream(path, { flags: 'a' })`:
 * ```ts
 * import { type KeyWrapProvider, withAuditLog } from '@keywrap/core';
 * import type { Writable } from 'node:stream';
 *
 * const audited = (provider: KeyWrapProvider, stream: Writable): KeyWrapProvider =>
 *   withAuditLog(provider, {
 *     write: (event) =>
 *       new Promise((resolve, reject) => {
 *         const line = JSON.stringify({ time: new Date(), ...event });
 *         stream.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
 *       }),
 *     close: () => new Promise((resolve) => stream.end(resolve)),
 *   });
 * ```
 */
export function withAuditLog<Provider extends KeyWrapProvider>(
  provider: Provider,
  sink: AuditSink,
): Provider {
  assertMethods(sink, ['write'], 'sink', 'must be an AuditSink');
  return withLayer(provider, audited(sink));
}

const audited =
  (sink: AuditSink): Layer =>
  (inner) => {
    let isOver = false;
    const rejections = new Set<Promise<void>>();
    const write = async (event: AuditEvent): Promise<void> => {
      try {
        await sink.write(event);
      } catch (cause) {
        if (cause instanceof KeyWrapError) throw cause;
        throw new ProviderUnavailableError('the audit log could not be written; see the cause', {
          cause,
        });
      }
    };
    const driver = aroundEach(inner, async (operation, request, _call, next) => {
      const about = { operation, ...describe(request) };
      let output: Awaited<ReturnType<typeof next>>;
      try {
        output = await next();
      } catch (error) {
        await write({ ...about, outcome: error instanceof KeyWrapError ? error.code : 'ERROR' });
        throw error;
      }
      try {
        await write({ ...about, ...usedKeys(output), outcome: 'ok' });
      } catch (error) {
        wipeBytes(output);
        throw error;
      }
      return output;
    });
    return {
      ...driver,
      async onRejected(operation, input, error) {
        await inner.onRejected?.(operation, input, error);
        // The provider is closed: no key was used, and nothing can be written.
        if (isOver) return;
        const writing = write({ operation, ...describe(input), outcome: error.code });
        rejections.add(writing);
        await writing.finally(() => rejections.delete(writing));
      },
      async close() {
        try {
          await inner.close();
        } finally {
          isOver = true;
          await Promise.allSettled(rejections);
          await sink.close?.();
        }
      },
    };
  };

/** Selects what to write of a request, or of the caller's unchecked input. */
function describe(request: unknown): Pick<AuditEvent, 'asked' | 'context'> {
  try {
    const parts = [request, field(request, 'source'), field(request, 'destination')];
    const asked = parts
      .flatMap((part) => [
        field(field(part, 'key'), 'text'),
        field(part, 'keyId'),
        field(part, 'alias'),
      ])
      .filter(isString);
    const context = parts.flatMap((part) => Object.keys(field(part, 'encryptionContext') ?? {}));
    return {
      ...(asked.length > 0 && { asked: asked.map((name) => name.slice(0, NAME_LENGTH)) }),
      ...(context.length > 0 && { context: beginningOf(context.sort()) }),
    };
  } catch {
    return {};
  }
}

function usedKeys(output: unknown): Pick<AuditEvent, 'keys'> {
  const names = ['keyId', 'sourceKeyId', 'destinationKeyId'];
  const keys = names.map((name) => field(output, name)).filter(isString);
  return keys.length > 0 ? { keys } : {};
}

/** Wipes the secrets of an output that the caller does not get. */
function wipeBytes(output: unknown): void {
  for (const bytes of Object.values(Object(output))) if (isUint8Array(bytes)) wipe(bytes);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? readValue(value, name) : undefined;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** Keeps as many as fit: a caller must not decide how long a line is. */
function beginningOf(names: readonly string[]): readonly string[] {
  let left = CONTEXT_LENGTH;
  return names.filter((name) => {
    left -= name.length;
    return left >= 0;
  });
}
