import { setMaxListeners } from 'node:events';
import {
  AccessDeniedError,
  type Call,
  type DecryptRequest,
  type EncryptOutput,
  type EncryptRequest,
  InternalError,
  InvalidCiphertextError,
  InvalidKeyUsageError,
  type KeyRequest,
  type KeyWrapError,
  ProviderUnavailableError,
  ThrottledError,
} from '@keywrap/core';
import { everyOperation } from './caches.js';
import { type Mutant, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';
import type { Input } from './uses.js';

// What goes wrong when a provider runs: at once, for long, when the backend changes or breaks.

const nameOf = (input: Input) =>
  JSON.stringify(input, (_, value) => (value instanceof Uint8Array ? [...value] : value));

/** All instances of a process share this. */
const shared = { instances: new Set<object>(), last: new Map<string, object>() };

const atOnce: readonly Mutant[] = [
  everyOperation(
    'answers change places when more than 64 are under way',
    'concurrency-at-scale',
    (inner, operation) => {
      let underWay = 0;
      let last: object | undefined;
      return async (input, options) => {
        underWay++;
        try {
          const isFull = underWay > 64 || (operation !== 'encrypt' && underWay > 16);
          const result = await inner[operation](input, options);
          const other = isFull ? last : undefined;
          last = result;
          return other ?? result;
        } finally {
          underWay--;
        }
      };
    },
  ),
  everyOperation(
    'one answer for each ciphertext at a time',
    'concurrency-at-scale',
    (inner, operation) => {
      const underWay = new Map<string, Promise<object>>();
      return async (input, options) => {
        if (input?.ciphertext === undefined) return inner[operation](input, options);
        const name = nameOf([...input.ciphertext]);
        const result = underWay.get(name) ?? inner[operation](input, options);
        underWay.set(name, result);
        return result.finally(() => underWay.delete(name));
      };
    },
  ),
  everyOperation(
    'one answer for equal calls at a time',
    'concurrency-at-scale',
    (inner, operation) => {
      const underWay = new Map<string, Promise<object>>();
      return async (input, options) => {
        const name = nameOf(input);
        const result = underWay.get(name) ?? inner[operation](input, options);
        underWay.set(name, result);
        return result.finally(() => underWay.delete(name));
      };
    },
  ),
  everyOperation(
    'two instances share what they answered last',
    'concurrency-at-scale',
    (inner, operation) => {
      return async (input, options) => {
        shared.instances.add(inner);
        const result = await inner[operation](input, options);
        const last = shared.instances.size > 1 ? shared.last.get(operation) : undefined;
        shared.last.set(operation, result);
        shared.instances.delete(inner);
        return last ?? result;
      };
    },
  ),
  (() => {
    let isClosed = false;
    return wrapped(
      'closing one instance closes all over its keys',
      'concurrency-at-scale',
      (inner) => ({
        close: async (...input) => {
          isClosed = true;
          return inner.close(...(input as [unknown]));
        },
        encrypt: async (input, options) => {
          if (isClosed)
            throw new InternalError('the connection is closed', { operation: 'encrypt' });
          return inner.encrypt(input, options);
        },
      }),
    );
  })(),
  subclassed(
    'version numbers begin again after 8',
    'concurrency-at-scale',
    () =>
      new (class extends ReferenceDriver {
        protected override headerOf(key: ReferenceKey) {
          const header = super.headerOf(key);
          header[16] = (header[16] ?? 0) % 8;
          return header;
        }
        override async rotate(keyId: string) {
          await super.rotate(keyId);
          const { materials } = this.find(keyId);
          // The ninth replaces the first.
          if (materials.length > 8) materials[(materials.length - 1) % 8] = materials.at(-1);
        }
      })(),
  ),
  everyOperation(
    'the 51st key has the handle of the first',
    'concurrency-at-scale',
    (inner, operation) => {
      const handles = new Map<string, string>();
      return (input, options) => {
        const { keyId } = input ?? {};
        if (typeof keyId !== 'string') return inner[operation](input, options);
        const [first = keyId] = handles.values();
        if (!handles.has(keyId)) handles.set(keyId, handles.size >= 50 ? first : keyId);
        return inner[operation]({ ...input, keyId: handles.get(keyId) }, options);
      };
    },
  ),
  subclassed(
    'a new version has a number before it has a key',
    'concurrency-at-scale',
    () =>
      new (class extends ReferenceDriver {
        #encrypted = () => {};
        override async encrypt(request: EncryptRequest): Promise<EncryptOutput> {
          const encrypted = this.#encrypted;
          const output = await super.encrypt(request);
          encrypted();
          return output;
        }
        override async rotate(keyId: string) {
          const { materials } = this.find(keyId);
          const count = materials.push(materials.at(-1));
          // Until somebody encrypts meanwhile, or for a second.
          await new Promise<void>((resolve) => {
            this.#encrypted = resolve;
            setTimeout(resolve, 1000);
          });
          materials.pop();
          await super.rotate(keyId);
          if (materials.length !== count) throw new Error('rotated twice');
        }
      })(),
  ),
];

/** Connections that answer one request after the other. */
class Pool {
  readonly #idle: Promise<unknown>[][];
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#idle = Array.from({ length: size }, () => []);
  }

  async exchange<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    while (this.#idle.length === 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const unread = this.#idle.pop() as Promise<unknown>[];
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      signal?.throwIfAborted();
      const own = work();
      own.catch(() => undefined);
      unread.push(own);
      // The first answer that comes may be that to a request that was aborted.
      const answer = await Promise.race([unread[0], aborted]);
      unread.shift();
      return answer as T;
    } finally {
      this.#idle.push(unread);
      this.#waiting.shift()?.();
    }
  }
}

const pooled = (size: number) =>
  subclassed(
    `an answer to an aborted call stays in one of ${size} connections`,
    'concurrency-at-scale',
    () => {
      const pool = new Pool(size);
      return new (class extends ReferenceDriver {
        override encrypt(request: EncryptRequest, call?: Call) {
          return pool.exchange(() => super.encrypt(request), call?.signal);
        }
        override decrypt(request: DecryptRequest, call?: Call) {
          return pool.exchange(() => super.decrypt(request), call?.signal);
        }
      })();
    },
  );

const hex = (bytes: Uint8Array, separator: string) =>
  Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join(separator);

const tail = ({ plaintext, ciphertext }: Input): Uint8Array =>
  plaintext ?? ciphertext?.subarray(-20) ?? new Uint8Array();

const telling = (name: string, show: (bytes: Uint8Array) => string) =>
  everyOperation(
    `errors with 6 bytes ${name}`,
    'no-partial-leaks',
    (inner, operation) => (input, options) =>
      inner[operation](input, options).catch((error: KeyWrapError) => {
        error.cause = new Error(`while reading ${show(tail(input ?? {}))}`);
        throw error;
      }),
  );

const OUTAGE_CODES: ReadonlySet<string> = new Set(['THROTTLED', 'ACCESS_DENIED', 'UNAVAILABLE']);

const leaks: readonly Mutant[] = [
  telling('in hexadecimal with colons', (bytes) => hex(bytes, ':')),
  telling('in hexadecimal as in C', (bytes) => `0x${hex(bytes, ', 0x')}`),
  telling('in decimal', (bytes) => bytes.subarray(0, 6).join(' ')),
  telling('in base64', (bytes) => Buffer.from(bytes.subarray(0, 12)).toString('base64')),
  telling('as one number', (bytes) => `${BigInt(`0x${hex(bytes, '') || '0'}`)}`),
  everyOperation('errors with the grant tokens', 'no-partial-leaks', (inner, operation) => {
    return (input, options) =>
      inner[operation](input, options).catch((error: KeyWrapError) => {
        error.cause = Object.assign(new Error('rejected'), { headers: options?.grantTokens });
        throw error;
      });
  }),
  everyOperation(
    'errors of an outage with the grant tokens',
    'no-partial-leaks',
    (inner, operation) => (input, options) =>
      inner[operation](input, options).catch((error: KeyWrapError) => {
        if (error.message === 'not allowed to use the key' || !OUTAGE_CODES.has(error.code))
          throw error;
        throw Object.assign(error, { request: { headers: options?.grantTokens } });
      }),
  ),
  wrapped('warns of what it encrypts', 'no-partial-leaks', (inner) => ({
    encrypt: (input, options) => {
      process.emitWarning(`encrypting ${hex(tail(input ?? {}), '')}`);
      return inner.encrypt(input, options);
    },
  })),
  wrapped('prints what it encrypts', 'no-partial-leaks', (inner) => ({
    encrypt: (input, options) => {
      console.debug(
        'encrypting',
        Buffer.from(tail(input ?? {}))
          .toString('base64')
          .slice(0, 12),
      );
      return inner.encrypt(input, options);
    },
  })),
];

const retention: readonly Mutant[] = [
  wrapped('results go back to a pool', 'any-sequence', (inner) => {
    const pool: Uint8Array[] = [];
    return {
      decrypt: async (input, options) => {
        const result = await inner.decrypt(input, options);
        pool.push(result.plaintext);
        if (pool.length > 100) pool.shift()?.fill(0);
        return result;
      },
    };
  }),
  wrapped('plaintexts are wiped later', 'any-sequence', (inner) => {
    const given: Uint8Array[] = [];
    return {
      encrypt: async (input, options) => {
        const result = await inner.encrypt(input, options);
        given.push(input.plaintext);
        if (given.length > 100) given.shift()?.fill(0);
        return result;
      },
    };
  }),
  {
    ...wrapped('keeps its results', 'no-retention', (inner) => {
      const kept: object[] = [];
      return {
        decrypt: async (input, options) => {
          const result = await inner.decrypt(input, options);
          kept.push(result);
          return result;
        },
      };
    }),
    profile: 'soak',
  },
  {
    ...wrapped('keeps a copy of each plaintext', 'no-retention', (inner) => {
      const kept: Uint8Array[] = [];
      return {
        encrypt: async (input, options) => {
          kept.push(new Uint8Array([...(input?.plaintext ?? []), ...new Uint8Array(128)]));
          return inner.encrypt(input, options);
        },
      };
    }),
    profile: 'soak',
  },
];

/** Keeps a copy of each plaintext that could not be encrypted. */
const failuresKept = (name: string, isKept: (error: KeyWrapError) => boolean): Mutant => ({
  ...wrapped(name, 'no-retention', (inner) => {
    const kept: Uint8Array[] = [];
    return {
      encrypt: (input, options) =>
        inner.encrypt(input, options).catch((error: KeyWrapError) => {
          if (isKept(error)) kept.push(input.plaintext.slice());
          throw error;
        }),
    };
  }),
  profile: 'soak',
});

const namesKept: Mutant = {
  ...wrapped('keeps every name that it did not find', 'no-retention', (inner) => {
    const missing = new Set<object>();
    return {
      describeKey: (input, options) =>
        inner.describeKey(input, options).catch((error: unknown) => {
          missing.add(new Array(100).fill(input?.keyId));
          throw error;
        }),
    };
  }),
  profile: 'soak',
};

const changes: readonly Mutant[] = [
  subclassed(
    'dies when an old version is gone',
    'outside-changes',
    () =>
      new (class extends ReferenceDriver {
        protected override materialOf(key: ReferenceKey, header: Uint8Array) {
          if (key.materials.includes(undefined))
            throw new TypeError('reading properties of undefined');
          return super.materialOf(key, header);
        }
      })(),
  ),
  subclassed('keeps the old versions that it has opened', 'outside-changes', () => {
    const opened = new Map<string, NonNullable<ReferenceKey['materials'][number]>>();
    return new (class extends ReferenceDriver {
      protected override materialOf(key: ReferenceKey, header: Uint8Array) {
        const name = header.join();
        const material = opened.get(name) ?? super.materialOf(key, header);
        if (material !== undefined) opened.set(name, material);
        return material;
      }
    })();
  }),
  subclassed('remembers what it may describe', 'outside-changes', () => {
    const described = new Set<string>();
    return new (class extends ReferenceDriver {
      override async deny(keyId: string, right: 'use' | 'describe') {
        if (right === 'use' || !described.has(keyId)) await super.deny(keyId, right);
      }
      override describeKey(request: KeyRequest) {
        described.add(request.key.text);
        return super.describeKey(request);
      }
    })();
  }),
  everyOperation(
    'describes a key before it is used',
    'outside-changes',
    (inner, operation) => async (input, options) => {
      if (input?.keyId !== undefined) {
        await inner.describeKey({ keyId: input.keyId }).catch((error: unknown) => {
          if (error instanceof AccessDeniedError) {
            throw new AccessDeniedError('not allowed to describe the key', { operation });
          }
        });
      }
      return inner[operation](input, options);
    },
  ),
  subclassed(
    'a softly deleted key is called enabled',
    'outside-changes',
    () =>
      new (class extends ReferenceDriver {
        override async describeKey(request: KeyRequest) {
          return { ...(await super.describeKey(request)), keyState: 'Enabled' as const };
        }
      })(),
  ),
  subclassed(
    'rights are not looked at again',
    'outside-changes',
    () =>
      new (class extends ReferenceDriver {
        override async deny() {}
      })(),
  ),
  everyOperation(
    'a key of another type is an internal error',
    'outside-changes',
    (inner, operation) => {
      return async (input, options) => {
        const result = await inner[operation](input, options).catch((error: unknown) => {
          if (!(error instanceof InvalidKeyUsageError)) throw error;
          throw new InternalError('unexpected type', { operation });
        });
        return result;
      };
    },
  ),
  wrapped('the public key of any key', 'outside-changes', (inner) => ({
    getPublicKey: (input, options) =>
      inner.getPublicKey(input, options).catch(() => ({ algorithms: ['RSAES_OAEP_SHA_256'] })),
  })),
];

const resources: readonly Mutant[] = [
  everyOperation(
    'listens to the signal for ever',
    'resources',
    (inner, operation) => (input, options) => {
      if (options?.signal !== undefined) {
        // Without a limit, so that the proof prints no warnings.
        setMaxListeners(0, options.signal);
        options.signal.addEventListener('abort', () => undefined);
      }
      return inner[operation](input, options);
    },
  ),
  everyOperation('an aborted call keeps its slot', 'resources', (inner, operation) => {
    let slots = 30;
    return async (input, options) => {
      if (slots <= 0) throw new ThrottledError('too many calls', { operation });
      const result = inner[operation](input, options);
      result.catch((error: KeyWrapError) => {
        if (error.code === 'ABORTED') slots--;
      });
      return result;
    };
  }),
  wrapped('a timer that close does not stop', 'resources', (inner) => {
    const timer = setTimeout(() => undefined, 30_000);
    return {
      // Only the first one: it must not outlive the proof.
      close: async () => inner.close(void timer),
    };
  }),
];

const mapped = (name: string, change: (error: KeyWrapError, operation: string) => Error) =>
  everyOperation(
    name,
    'outages',
    (inner, operation) => (input, options) =>
      inner[operation](input, options).catch((error: KeyWrapError) => {
        const isOutage = OUTAGE_CODES.has(error.code);
        throw isOutage ? change(error, operation) : error;
      }),
  );

const outages: readonly Mutant[] = [
  mapped(
    'an outage is an internal error',
    (_, operation) => new InternalError('failed', { operation }),
  ),
  mapped(
    'an outage is a bad ciphertext',
    (_, operation) => new InvalidCiphertextError('failed', { operation }),
  ),
  mapped(
    'every outage is a bad connection',
    (_, operation) => new ProviderUnavailableError('failed', { operation }),
  ),
  everyOperation(
    'a backend that says it failed is a fault of the provider',
    'outages',
    (inner, operation) => (input, options) =>
      inner[operation](input, options).catch((error: KeyWrapError) => {
        if (error.code !== 'UNAVAILABLE' || !error.message.includes('failed')) throw error;
        throw new InternalError('unexpected answer', { operation });
      }),
  ),
  everyOperation('a circuit stays open', 'outages', (inner, operation) => {
    let failed: KeyWrapError | undefined;
    return async (input, options) => {
      if (failed !== undefined) throw failed;
      return inner[operation](input, options).catch((error: KeyWrapError) => {
        if (error.retryable) failed = error;
        throw error;
      });
    };
  }),
];

export const runningMutants: readonly Mutant[] = [
  ...atOnce,
  ...[1, 4, 16, 64].map(pooled),
  ...leaks,
  ...retention,
  namesKept,
  failuresKept('keeps what it encrypted for nobody', ({ code }) => code === 'ABORTED'),
  failuresKept('keeps what it may try again', ({ retryable }) => retryable),
  ...changes,
  ...resources,
  ...outages,
];
