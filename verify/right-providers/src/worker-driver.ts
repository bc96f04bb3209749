import { Worker } from 'node:worker_threads';
import {
  AccessDeniedError,
  IncorrectKeyError,
  InvalidCiphertextError,
  InvalidInputError,
  InvalidKeyUsageError,
  KeyDisabledError,
  KeyNotFoundError,
  KeyStateError,
  type KeyWrapDriver,
  type KeyWrapError,
  type KeyWrapErrorCode,
  type ProviderCapabilities,
  UnsupportedOperationError,
} from '@keywrap/core';
import type { ConformanceKeys } from '@keywrap/testkit';
import type { Answer, Question } from './worker.js';

const CLASSES: Partial<Record<KeyWrapErrorCode, new (message: string) => KeyWrapError>> = {
  ACCESS_DENIED: AccessDeniedError,
  INCORRECT_KEY: IncorrectKeyError,
  INVALID_CIPHERTEXT: InvalidCiphertextError,
  KEY_USAGE: InvalidKeyUsageError,
  KEY_DISABLED: KeyDisabledError,
  KEY_NOT_FOUND: KeyNotFoundError,
  KEY_STATE: KeyStateError,
  UNSUPPORTED: UnsupportedOperationError,
};

const ENDED = 'the thread has ended, with its keys';

/** A driver whose keys and ciphers are in another thread. */
export function workerDriver(capabilities: ProviderCapabilities) {
  const worker = new Worker(new URL('./worker.js', import.meta.url));
  const waiting = new Map<number, PromiseWithResolvers<never>>();
  let count = 0;
  let hasEnded = false;
  worker.on('exit', () => {
    hasEnded = true;
    for (const call of waiting.values()) call.reject(new Error(ENDED));
    waiting.clear();
  });
  worker.on('message', ({ id, output, error }: Answer) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (error === undefined) call?.resolve(output as never);
    else call?.reject(toError(error));
  });
  worker.unref();
  const ask = (name: string, ...input: unknown[]): Promise<never> => {
    if (hasEnded) return Promise.reject(new Error(ENDED));
    const call = withResolvers();
    const id = count++;
    waiting.set(id, call);
    worker.ref();
    worker.postMessage({ id, name, input } satisfies Question);
    return call.promise;
  };
  const driver: KeyWrapDriver = {
    id: 'worker',
    capabilities,
    encrypt: (request) => ask('encrypt', request),
    decrypt: (request) => ask('decrypt', request),
    describeKey: (request) => ask('describeKey', request),
    getPublicKey: (request) => ask('getPublicKey', request),
    async close() {
      await worker.terminate();
    },
  };
  const keys: ConformanceKeys = {
    create: (request) => ask('create', request),
    alias: (alias, keyArn) => ask('alias', alias, keyArn),
    disable: (keyArn) => ask('disable', keyArn),
    enable: (keyArn) => ask('enable', keyArn),
    scheduleDeletion: (keyArn) => ask('scheduleDeletion', keyArn),
    rotate: (keyArn) => ask('rotate', keyArn),
  };
  return { driver, keys };
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Node.js 20 has no `Promise.withResolvers`. */
function withResolvers(): PromiseWithResolvers<never> {
  const call = {} as { resolve: (value: never) => void; reject: (error: unknown) => void };
  const promise = new Promise<never>((resolve, reject) => Object.assign(call, { resolve, reject }));
  return { promise, ...call };
}

function toError({ code, message, field }: NonNullable<Answer['error']>): Error {
  if (field !== undefined) return new InvalidInputError(field, message.slice(field.length + 1));
  const type = CLASSES[code as KeyWrapErrorCode];
  return type === undefined ? new Error(message) : new type(message);
}
