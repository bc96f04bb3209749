import {
  type AuditEvent,
  KeyWrapError,
  type KeyWrapProvider,
  withCallDetails,
} from '@keywrap/core';
import type { AuditLog } from '../audit/audit-log.js';

/** Longest name that is written, in characters: that of an ARN. What is longer was refused anyway. */
const NAME_LENGTH = 2048;
/** All of an encryption context that is not refused, in characters. */
const CONTEXT_LENGTH = 8192;

/**
 * Has every call of a provider written to an audit log: the operations of `KeyWrapProvider`, those of
 * `KeyManager` where the provider is one, and its own. A call is written when it is over, and its result
 * given out after that: when it can't be written, the caller gets no result.
 *
 * @param provider Closed with the provider that is returned, and so is the log.
 * @throws what the log throws, for each call: `ProviderUnavailableError` when the disk is full.
 *
 * @example
 * ```ts
 * import { LocalKeyWrapProvider } from '@keywrap/provider-local';
 * import { type FileKeyStore, withAuditLog } from '@keywrap/provider-local/file-store';
 *
 * async function openAudited(store: FileKeyStore): Promise<LocalKeyWrapProvider> {
 *   const log = await store.openAuditLog('order-service');
 *   return withAuditLog(new LocalKeyWrapProvider({ store }), log);
 * }
 * ```
 */
export function withAuditLog<Provider extends KeyWrapProvider>(
  provider: Provider,
  log: AuditLog,
): Provider {
  const calls = new AuditedCalls(log);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= provider.close().finally(() => calls.end());
    return closing;
  };
  // A proxy and not a class with a method for each operation: none can be forgotten, and what a
  // provider has beyond the interface is kept, and written too.
  return new Proxy(provider, {
    get(target, name) {
      if (name === 'close' || name === Symbol.asyncDispose) return close;
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function' || typeof name !== 'string' || isInherited(name, member)) {
        return member;
      }
      return (...args: unknown[]) =>
        calls.run(name, args[0], () => Reflect.apply(member, target, args));
    },
  });
}

/** Whether it is what every object has. By the member itself: a polluted prototype has other names. */
function isInherited(name: string, member: unknown): boolean {
  return member === Reflect.get(Object.prototype, name);
}

class AuditedCalls {
  readonly #log: AuditLog;
  readonly #underWay = new Set<Promise<unknown>>();
  #ended = false;

  constructor(log: AuditLog) {
    this.#log = log;
  }

  run(operation: string, input: unknown, call: () => Promise<unknown>): Promise<unknown> {
    // The provider is closed: it refuses the call, and uses no key.
    if (this.#ended) return call();
    const result = this.#audited(operation, input, call);
    this.#underWay.add(result);
    const forget = () => this.#underWay.delete(result);
    result.then(forget, forget);
    return result;
  }

  /** Lets the calls under way be written, and closes the log. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#underWay);
    this.#log.close();
  }

  async #audited(
    operation: string,
    input: unknown,
    call: () => Promise<unknown>,
  ): Promise<unknown> {
    // At once: the caller may change its input when it has the promise.
    const about = { operation, ...describe(input) };
    let result: unknown;
    try {
      result = await call();
    } catch (error) {
      this.#write({ ...about, outcome: error instanceof KeyWrapError ? error.code : 'ERROR' });
      throw error;
    }
    try {
      this.#write({ ...about, ...usedKeys(result), outcome: 'ok' });
    } catch (error) {
      (result as Partial<Disposable> | undefined)?.[Symbol.dispose]?.();
      throw error;
    }
    return result;
  }

  #write(event: AuditEvent): void {
    try {
      this.#log.write(event);
    } catch (error) {
      const details = { keyId: event.keys?.[0] ?? event.asked?.[0] };
      throw error instanceof KeyWrapError
        ? withCallDetails(error, event.operation, details)
        : error;
    }
  }
}

/** What of the input may be written. It is the caller's, so it may be anything. */
function describe(input: unknown): Pick<AuditEvent, 'asked' | 'context'> {
  try {
    const parts = [input, field(input, 'source'), field(input, 'destination')];
    const asked = parts
      .flatMap((part) => [field(part, 'keyId'), field(part, 'alias')])
      .filter(isString);
    const context = parts.flatMap((part) => Object.keys(field(part, 'encryptionContext') ?? {}));
    return {
      ...(asked.length > 0 && { asked: asked.map(shortened) }),
      ...(context.length > 0 && { context: beginningOf(context.sort()) }),
    };
  } catch {
    return {};
  }
}

function usedKeys(result: unknown): Pick<AuditEvent, 'keys'> {
  const names = ['keyId', 'sourceKeyId', 'destinationKeyId'];
  const keys = names.map((name) => field(result, name)).filter(isString);
  return keys.length > 0 ? { keys } : {};
}

/** What a polluted Object.prototype holds nobody passed, and it must not be written as if. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const passed: unknown = Reflect.get(value, name);
  return Object.hasOwn(value, name) || passed !== Reflect.get(Object.prototype, name)
    ? passed
    : undefined;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** As many as fit: what a caller passes must not decide how long a line is. */
function beginningOf(names: readonly string[]): readonly string[] {
  let left = CONTEXT_LENGTH;
  return names.filter((name) => {
    left -= name.length;
    return left >= 0;
  });
}

function shortened(text: string): string {
  return text.slice(0, NAME_LENGTH);
}
