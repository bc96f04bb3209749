import { createHash } from 'node:crypto';
import { DataKey, type EncryptRequest, type WrappedDataKey } from '@keywrap/core';
import { keyUses } from '../../../packages/testkit/dist/operations.js';
import { type Inner, type Loose, type Mutant, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver } from './reference-driver.js';
import { using } from './uses.js';

// Random values that are not, as in the field: counters that start again, small seeds, biased bytes.

/** A nonce of a number. */
function numbered(number: number): Uint8Array<ArrayBuffer> {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, number);
  return nonce;
}

const nonces = (name: string, make: (calls: number) => Uint8Array<ArrayBuffer>) =>
  subclassed(name, 'unique-nonces', () => {
    let calls = 0;
    return new (class extends ReferenceDriver {
      protected override nonce() {
        return make(calls++);
      }
    })();
  });

const nonceMutants: readonly Mutant[] = [
  nonces('a nonce that repeats after 500 calls', (calls) => numbered(calls % 500)),
  nonces('a nonce that repeats after 20 calls', (calls) => numbered(calls % 20)),
  nonces('a nonce of a hash of 16 random bits', () => {
    const seed = crypto.getRandomValues(new Uint8Array(2));
    return new Uint8Array(createHash('sha256').update(seed).digest().subarray(0, 12));
  }),
  subclassed('a nonce that counts for each name of a key', 'unique-nonces', () => {
    const calls = new Map<string, number>();
    let name = '';
    return new (class extends ReferenceDriver {
      override encrypt(request: EncryptRequest) {
        name = request.key.text;
        return super.encrypt(request);
      }
      protected override nonce() {
        const count = calls.get(name) ?? 0;
        calls.set(name, count + 1);
        return numbered(count);
      }
    })();
  }),
  ...[1, 200].map((most) => {
    const made = new Map<string, object[]>();
    const repeating = (inner: Inner) => {
      let calls = 0;
      return {
        encrypt: async (input: Parameters<Loose>[0], options: object) => {
          const result = await inner.encrypt(input, options);
          if (!input?.algorithm?.startsWith('RSA')) return result;
          const name = `${input.keyId} ${input.algorithm} ${input.plaintext}`;
          const known = made.get(name) ?? [];
          made.set(name, known);
          // The list is that of all instances, the place in it of this one.
          const place = most === 1 ? calls++ : calls++ % most;
          known[place] ??= result;
          return known[place];
        },
      };
    };
    const name =
      most === 1
        ? 'seeds of OAEP in the same order after a restart'
        : 'as few as 200 seeds of OAEP';
    return wrapped(name, 'unique-nonces', repeating);
  }),
  nonces('a nonce of the time in microseconds', () => {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setBigUint64(4, BigInt(Math.floor(performance.now() * 1000)));
    return nonce;
  }),
  nonces('a nonce of 4 random bytes and 8 zeros', () =>
    crypto.getRandomValues(new Uint8Array(12)).map((byte, i) => (i < 4 ? byte : 0)),
  ),
  (() => {
    let calls = 0;
    const make = () =>
      new (class extends ReferenceDriver {
        protected override nonce() {
          return numbered(calls++);
        }
      })();
    const restart = () => {
      calls = 0;
      return {};
    };
    return wrapped('a nonce that counts from 0 after a restart', 'unique-nonces', restart, make);
  })(),
  (() => {
    let inDataKey = 0;
    const make = () =>
      new (class extends ReferenceDriver {
        protected override nonce() {
          return inDataKey > 0 ? numbered(7) : super.nonce();
        }
      })();
    const fixed = (inner: Inner) => ({
      generateDataKey: async (input: object, options: object) => {
        inDataKey++;
        return inner.generateDataKey(input, options).finally(() => inDataKey--);
      },
    });
    return wrapped('a fixed nonce for data keys', 'unique-nonces', fixed, make);
  })(),
];

/** Both operations that make data keys, with their random bytes from elsewhere. */
function generating(name: string, source: () => (length: number) => Uint8Array): Mutant {
  return wrapped(name, 'random-data-keys', (inner) => {
    const random = source();
    const make = async (input: Parameters<Loose>[0], options: unknown) => {
      const { keyId, encryptionContext, numberOfBytes = 32 } = input;
      const plaintext = random(numberOfBytes);
      const sealed = await inner.encrypt({ keyId, encryptionContext, plaintext }, options);
      return { plaintext, ciphertext: sealed.ciphertext, keyId: sealed.keyId };
    };
    return {
      generateDataKey: async (input, options) => new DataKey(await make(input, options)),
      generateDataKeyWithoutPlaintext: async (input, options): Promise<WrappedDataKey> => {
        const { plaintext: _, ...wrappedKey } = await make(input, options);
        return wrappedKey;
      },
    };
  });
}

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** The same bytes in the same order for the same seed. */
function seeded(seed: string): (length: number) => Uint8Array {
  let blocks = 0;
  return (length) => {
    const made = new Uint8Array(length);
    for (let i = 0; i < length; i += 32) {
      const block = createHash('sha256').update(`${seed} ${blocks++}`).digest();
      made.set(block.subarray(0, length - i), i);
    }
    return made;
  };
}

/** Answers equal calls that are under way with one result. */
export function coalescing(breaks: string): Mutant[] {
  return keyUses
    .filter(({ operation }) => operation.startsWith('generate'))
    .map((use) => {
      const underWay = new Map<string, Promise<object>>();
      return using(use, 'equal calls at once share one result', breaks, (call, input) => {
        const name = JSON.stringify(input);
        const result = underWay.get(name) ?? call().finally(() => underWay.delete(name));
        underWay.set(name, result);
        return result;
      });
    });
}

const randomMutants: readonly Mutant[] = [
  generating(
    'data keys whose first bit is mostly set',
    () => (length) =>
      random(length).map((byte, i) => (i === 0 && Math.random() < 0.5 ? byte | 0x80 : byte)),
  ),
  generating(
    'data keys without zeros',
    () => (length) => random(length).map((byte) => byte || 0x5a),
  ),
  generating(
    'data keys of bytes modulo 200',
    () => (length) => random(length).map((byte) => byte % 200),
  ),
  generating(
    'data keys of Math.random',
    () => (length) => new Uint8Array(length).map(() => Math.floor(Math.random() * 256)),
  ),
  generating(
    'data keys of a seed of 16 bits',
    () => (length) => seeded(`${Math.floor(Math.random() * 65_536)}`)(length),
  ),
  generating('data keys of one seed for all instances', () => seeded('seed')),
  generating('data keys whose second half is the first', () => (length) => {
    const made = random(length);
    if (length >= 32) made.copyWithin(length >> 1, 0, length >> 1);
    return made;
  }),
  generating(
    'data keys of 129 bytes have 128',
    () => (length) => random(length === 129 ? 128 : length),
  ),
  generating('data keys whose first one begins with known bits', () => {
    let isFirst = true;
    return (length) => {
      const made = random(length);
      if (isFirst) made.fill(0x5a, 0, 2);
      isFirst = false;
      return made;
    };
  }),
  generating('data keys with zeros after their last whole block', () => (length) => {
    const made = random(length);
    return length > 16 ? made.fill(0, length - (length % 16)) : made;
  }),
  generating('data keys that begin again after 20 bytes', () => (length) => {
    const made = random(length);
    return made.map((byte, i) => (i < 20 || length % 8 === 0 ? byte : (made[i - 16] as number)));
  }),
  ...coalescing('random-data-keys'),
];

export const statisticsMutants: readonly Mutant[] = [...nonceMutants, ...randomMutants];
