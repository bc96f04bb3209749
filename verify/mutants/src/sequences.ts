import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import {
  DataKey,
  type DecryptRequest,
  type EncryptRequest,
  InternalError,
  InvalidCiphertextError,
  InvalidInputError,
  isAsymmetricAlgorithm,
  type KeyWrapProvider,
  serializeEncryptionContext,
} from '@keywrap/core';
import { type Mutant, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver } from './reference-driver.js';

// What one call leaves for the next, what is left when a provider closes, and what is made of the clock.

const leftBehind: readonly Mutant[] = [
  wrapped('after a failed decrypt, the next encrypt has its context', 'any-sequence', (inner) => {
    let left: object | undefined;
    return {
      decrypt: (input, options) =>
        inner.decrypt(input, options).catch((error: unknown) => {
          left = input.encryptionContext;
          throw error;
        }),
      encrypt: (input, options) => {
        const encryptionContext = input?.algorithm?.startsWith('RSA') ? undefined : left;
        left = undefined;
        return inner.encrypt(encryptionContext ? { ...input, encryptionContext } : input, options);
      },
    };
  }),
  wrapped('an aborted reEncrypt leaves its destination', 'any-sequence', (inner) => {
    let left: object | undefined;
    return {
      reEncrypt: async (input, options) => {
        const destination = left ?? input.destination;
        left = undefined;
        try {
          return await inner.reEncrypt({ ...input, destination }, options);
        } catch (error) {
          if (options?.signal?.aborted) left = input.destination;
          throw error;
        }
      },
    };
  }),
  wrapped('a wrong public key in one of ten calls', 'any-sequence', (inner) => {
    let calls = 0;
    const given = new Map<string, Awaited<ReturnType<KeyWrapProvider['getPublicKey']>>>();
    return {
      getPublicKey: async (input, options) => {
        const result = await inner.getPublicKey(input, options);
        given.set(result.keyId, result);
        const others = [...given.values()].filter(({ keyId }) => keyId !== result.keyId);
        return ++calls % 10 === 0 ? (others.at(-1) ?? result) : result;
      },
    };
  }),
  (() => {
    let instances = 0;
    return wrapped('the fifth instance binds no context', 'any-sequence', (inner) => {
      const isFifth = ++instances % 5 === 0;
      return {
        encrypt: (input, options) => {
          const { encryptionContext: _, ...rest } = input;
          return inner.encrypt(isFifth ? rest : input, options);
        },
      };
    });
  })(),
];

const remembering = wrapped(
  'an outage that outlives itself for one call',
  'any-sequence',
  (inner) => {
    let left: unknown;
    return {
      generateDataKey: async (input, options) => {
        const error = left;
        left = undefined;
        if (error !== undefined) throw error;
        return inner.generateDataKey(input, options).catch((reason: { code: string }) => {
          if (['THROTTLED', 'UNAVAILABLE'].includes(reason.code)) left = reason;
          throw reason;
        });
      },
    };
  },
);

const closing: readonly Mutant[] = [
  wrapped('only the first close waits', 'close', (inner) => {
    let isClosing = false;
    const close = async () => {
      if (isClosing) return;
      isClosing = true;
      await inner.close(undefined);
    };
    return { close, [Symbol.asyncDispose]: close };
  }),
  wrapped('close fails for calls that failed before', 'close', (inner) => {
    let underWay = 0;
    return {
      decrypt: async (input, options) => {
        underWay++;
        const result = await inner.decrypt(input, options);
        underWay--;
        return result;
      },
      close: async () => {
        await inner.close(undefined);
        if (underWay > 8) throw new InternalError('calls are left', { operation: 'close' });
      },
    };
  }),
  wrapped('a rejection that nobody handles', 'resources', (inner) => ({
    encrypt: (input, options) => {
      const result = inner.encrypt(input, options);
      // An audit log, for example.
      void result.then(() => 'written');
      return result;
    },
  })),
];

/** A counter that goes up by one for each message, whatever its length. */
class CountingDriver extends ReferenceDriver {
  readonly #key = randomBytes(32);
  #count = 0;

  override async encrypt(request: EncryptRequest) {
    if (isAsymmetricAlgorithm(request.algorithm)) return super.encrypt(request);
    const { ciphertext, ...rest } = await super.encrypt(request);
    const counter = Buffer.alloc(16);
    counter.writeUInt32BE(++this.#count, 12);
    const cipher = createCipheriv('aes-256-ctr', this.#key, counter);
    const body = Buffer.concat([
      ciphertext.subarray(0, 17),
      counter,
      cipher.update(request.plaintext),
    ]);
    return { ...rest, ciphertext: new Uint8Array(Buffer.concat([body, this.#tag(body, request)])) };
  }

  override async decrypt(request: DecryptRequest) {
    if (isAsymmetricAlgorithm(request.algorithm)) return super.decrypt(request);
    const { key: name, ciphertext } = request;
    const named = name && this.find(name.text);
    const made = this.madeBy(ciphertext, named);
    const body = ciphertext.subarray(0, -16);
    const isOurs = this.#tag(body, request).equals(ciphertext.subarray(-16));
    if (made === undefined || !isOurs) throw new InvalidCiphertextError('it does not open');
    const decipher = createDecipheriv('aes-256-ctr', this.#key, body.subarray(17, 33));
    const { keyId } = made.description;
    return { plaintext: new Uint8Array(decipher.update(body.subarray(33))), keyId };
  }

  #tag(body: Uint8Array, { encryptionContext }: Pick<EncryptRequest, 'encryptionContext'>): Buffer {
    const hmac = createHmac('sha256', this.#key).update(
      serializeEncryptionContext(encryptionContext),
    );
    return hmac.update(body).digest().subarray(0, 16);
  }
}

const random: readonly Mutant[] = [
  subclassed('key streams that overlap', 'unique-nonces', () => new CountingDriver()),
  wrapped('data keys of the clock and Math.random', 'random-data-keys', (inner) => ({
    generateDataKey: async (input, options) => {
      const { keyId } = input;
      const seed = `${process.hrtime.bigint()} ${Date.now()} ${Math.random()}`;
      const length = input.numberOfBytes ?? (input.keySpec === 'AES_128' ? 16 : 32);
      const plaintext = new Uint8Array(length);
      for (let i = 0; i < length; i += 32) {
        const part = createHash('sha256').update(`${seed} ${i}`).digest();
        plaintext.set(part.subarray(0, length - i), i);
      }
      const { encryptionContext } = input;
      const sealed = await inner.encrypt({ keyId, plaintext, encryptionContext }, options);
      return new DataKey({ ...sealed, plaintext });
    },
  })),
  subclassed(
    'an empty RSA message refused',
    'rsa-padding',
    () =>
      new (class extends ReferenceDriver {
        override async decrypt(request: DecryptRequest) {
          const opened = await super.decrypt(request);
          if (opened.plaintext.length === 0) throw new InvalidInputError('ciphertext', 'is empty');
          return opened;
        }
      })(),
  ),
];

export const sequenceMutants: readonly Mutant[] = [
  ...leftBehind,
  remembering,
  ...closing,
  ...random,
];
