import {
  createProvider,
  type DecryptRequest,
  type EncryptionAlgorithm,
  type EncryptRequest,
  InvalidCiphertextError,
  type KeyPurpose,
  type KeyWrapError,
} from '@keywrap/core';
import { everyOperation, lenient } from './caches.js';
import { type Mutant, OPERATIONS, replaced, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';
import type { Input } from './uses.js';

// What is left of a call that failed or was aborted, what an instance does not learn, and names that are nearly the same.

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const names: readonly Mutant[] = [
  lenient('double slashes in names are merged', (keyId) => keyId.replaceAll(/\/{2,}/g, '/')),
  lenient('names without their last slash', (keyId) => keyId.replace(/\/$/, '')),
  subclassed(
    'aliases are cut off after 70 characters',
    'exact-key-ids',
    () =>
      new (class extends ReferenceDriver {
        override alias(alias: string, keyId: string) {
          return super.alias(alias.slice(0, 70), keyId);
        }
        protected override comparable(name: string) {
          return name.slice(0, 70);
        }
      })(),
  ),
];

/** Knows after which rotation each ciphertext was made. */
class CountingDriver extends ReferenceDriver {
  rotations = 0;
  readonly #made = new Map<string, number>();

  override async rotate(keyId: string) {
    await super.rotate(keyId);
    this.rotations++;
  }

  override async encrypt(request: EncryptRequest) {
    const output = await super.encrypt(request);
    this.#made.set(hex(output.ciphertext), this.rotations);
    return output;
  }

  rotationsBefore(ciphertext: Uint8Array): number {
    return this.#made.get(hex(ciphertext)) ?? 0;
  }
}

/** Each instance lists the versions when it first needs them, and when it encrypts. */
const listedOnce: Mutant = {
  name: 'an instance knows no version that another has made since its last encrypt',
  breaks: 'current-state',
  open() {
    const driver = new CountingDriver();
    const another = () => {
      const provider = createProvider(driver);
      let known: number | undefined;
      const methods = OPERATIONS.map((operation) => [
        operation,
        async (input: Input, options: Input) => {
          const { ciphertext } = input ?? {};
          known = ciphertext === undefined ? driver.rotations : (known ?? driver.rotations);
          if (ciphertext !== undefined && driver.rotationsBefore(ciphertext) > known) {
            throw new InvalidCiphertextError('the ciphertext does not open', { operation });
          }
          return Reflect.apply(provider[operation], provider, [input, options]);
        },
      ]);
      return replaced(provider, Object.fromEntries(methods));
    };
    return { provider: another(), keys: driver, reopen: async () => another() };
  },
};

/** Looks at the key when it has opened the ciphertext. */
class LateDriver extends ReferenceDriver {
  protected override usable(
    key: ReferenceKey,
    algorithm: EncryptionAlgorithm,
    purpose?: KeyPurpose,
  ) {
    if (purpose !== 'decrypt') super.usable(key, algorithm, purpose);
  }

  override async decrypt(request: DecryptRequest) {
    const opened = await super.decrypt(request);
    const { key: name, ciphertext, algorithm } = request;
    const key = name === undefined ? this.madeBy(ciphertext) : this.find(name.text);
    if (key !== undefined) super.usable(key, algorithm, 'decrypt');
    return opened;
  }
}

const firstKept = everyOperation(
  'the failure of the first call is that of every call',
  'outages',
  (inner, operation) => {
    let first: Promise<unknown> | undefined;
    return async (input, options) => {
      if (first === undefined) {
        const own = inner[operation](input, options) as Promise<unknown>;
        first = own.catch((error: KeyWrapError) => {
          if (['THROTTLED', 'ACCESS_DENIED', 'UNAVAILABLE'].includes(error.code)) throw error;
        });
        first.catch(() => 'thrown below');
        return own;
      }
      await first;
      return inner[operation](input, options);
    };
  },
);

/** Every name that a pool or a cache has seen fail. */
const namesKept = wrapped(
  'a name that failed in an outage is not found afterwards',
  'outages',
  (inner) => {
    const failed = new Set<string>();
    return {
      encrypt: async (input, options) => {
        const keyId = failed.has(input?.keyId) ? 'alias/none' : input?.keyId;
        return inner.encrypt({ ...input, keyId }, options).catch((error: KeyWrapError) => {
          if (error.retryable && `${keyId}`.startsWith('alias/')) failed.add(keyId);
          throw error;
        });
      },
    };
  },
);

const timers = everyOperation(
  'a failed call leaves its time-out running',
  'resources',
  (inner, operation) => {
    return async (input, options) => {
      const timeOut = setTimeout(() => undefined, 30_000);
      const result = await inner[operation](input, options);
      clearTimeout(timeOut);
      return result;
    };
  },
);

const kept: readonly Mutant[] = [
  everyOperation('keeps the signals of aborted calls', 'no-retention', (inner, operation) => {
    const pending = new Set<object>();
    return async (input, options) => {
      if (options?.signal) pending.add(options.signal);
      const result = await inner[operation](input, options);
      pending.delete(options?.signal);
      return result;
    };
  }),
  {
    ...subclassed('keeps the requests that failed', 'no-retention', () => {
      const pending = new Set<object>();
      return new (class extends ReferenceDriver {
        override async encrypt(request: EncryptRequest) {
          pending.add(request);
          const output = await super.encrypt(request);
          pending.delete(request);
          return output;
        }
      })();
    }),
    profile: 'soak',
  },
];

export const leftoverMutants: readonly Mutant[] = [
  ...names,
  listedOnce,
  subclassed(
    'opens a ciphertext before it looks at the state of the key',
    'damage-indistinguishable',
    () => new LateDriver(),
  ),
  subclassed(
    'a cancelled deletion enables the key',
    'key-pending-deletion',
    () =>
      new (class extends ReferenceDriver {
        override cancelDeletion(keyId: string) {
          return this.enable(keyId);
        }
      })(),
  ),
  firstKept,
  namesKept,
  timers,
  ...kept,
];
