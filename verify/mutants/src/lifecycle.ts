import { AbortError, ProviderClosedError, ProviderUnavailableError } from '@keywrap/core';
import { failing, type Inner, type Mutant, OPERATIONS, replaced, wrapped } from './mutant.js';

const later = () => new Promise((resolve) => setTimeout(resolve, 1));

/** Wrong about abort, close and calls at the same time. */
export const lifecycleMutants: readonly Mutant[] = [
  ...OPERATIONS.map((operation) =>
    wrapped(`${operation} ignores the signal`, 'abort', (inner) => ({
      [operation]: (input, options) =>
        inner[operation](
          input,
          options?.signal instanceof AbortSignal ? { ...options, signal: undefined } : options,
        ),
    })),
  ),
  wrapped('aborts only before the work', 'abort', (inner) => ({
    encrypt: (input, options) =>
      inner.encrypt(input, options?.signal?.aborted ? options : undefined),
  })),
  failing('an AbortError without a code', 'abort', 'encrypt', (error) =>
    error instanceof AbortError ? new DOMException('aborted', 'AbortError') : error,
  ),
  failing('an AbortError without the reason', 'abort', 'encrypt', (error) =>
    error instanceof AbortError ? new AbortError('aborted', { operation: 'encrypt' }) : error,
  ),
  wrapped('a signal aborts every call', 'abort', (inner) => {
    let last: object | undefined;
    return {
      encrypt: (input, options) => {
        last = options?.signal === undefined ? last : options;
        return inner.encrypt(input, last);
      },
    };
  }),

  ...OPERATIONS.map((operation) =>
    wrapped(`${operation} works after close`, 'close', (inner) => {
      let open = true;
      return {
        close: async () => {
          open = false;
        },
        [operation]: inner[operation],
        ...closedOthers(inner, operation, () => open),
      };
    }),
  ),
  wrapped('close fails the second time', 'close', (inner) => {
    let closed = false;
    return {
      close: async () => {
        if (closed) throw new ProviderClosedError('already closed', { operation: 'close' });
        closed = true;
        await inner.close(undefined);
      },
    };
  }),
  wrapped('asyncDispose does not close', 'close', () => ({
    [Symbol.asyncDispose]: async () => {},
  })),
  wrapped('close stops the calls under way', 'close', (inner) => {
    let closed = false;
    return {
      decrypt: async (input, options) => {
        const result = await inner.decrypt(input, options);
        if (closed) throw new ProviderClosedError('closed meanwhile', { operation: 'decrypt' });
        return result;
      },
      close: async () => {
        closed = true;
        await inner.close(undefined);
      },
    };
  }),
  wrapped('close wipes what it handed out', 'close', (inner) => {
    const handedOut: Disposable[] = [];
    return {
      decrypt: async (input, options) => {
        const result = await inner.decrypt(input, options);
        handedOut.push(result);
        return result;
      },
      close: async () => {
        await inner.close(undefined);
        for (const result of handedOut) result[Symbol.dispose]();
      },
    };
  }),
  {
    ...wrapped('close never ends', 'close', () => ({ close: () => new Promise(() => {}) })),
    timeoutMs: 50,
  },

  wrapped('calls share the plaintext', 'concurrency-at-scale', (inner) => {
    let current: Uint8Array;
    return {
      encrypt: async (input, options) => {
        current = input.plaintext.slice();
        await Promise.resolve();
        return inner.encrypt({ ...input, plaintext: current }, options);
      },
    };
  }),
  wrapped('calls share the key', 'concurrency-at-scale', (inner) => {
    let current: string;
    return {
      encrypt: async (input, options) => {
        const plaintext = input.plaintext.slice();
        current = input.keyId;
        await Promise.resolve();
        return inner.encrypt({ ...input, plaintext, keyId: current }, options);
      },
    };
  }),
  wrapped('calls share the context', 'concurrency-at-scale', (inner) => {
    let current: object;
    return {
      encrypt: async (input, options) => {
        const plaintext = input.plaintext.slice();
        current = input.encryptionContext;
        await Promise.resolve();
        return inner.encrypt({ ...input, plaintext, encryptionContext: current }, options);
      },
    };
  }),
  wrapped('calls share the result', 'concurrency-at-scale', (inner) => {
    let current: unknown;
    return {
      decrypt: async (input, options) => {
        current = await inner.decrypt(input, options);
        await later();
        return current;
      },
    };
  }),
  wrapped('RSA calls share the result', 'concurrency-at-scale', (inner) => {
    let current: unknown;
    return {
      decryptAsymmetric: async (input, options) => {
        current = await inner.decryptAsymmetric(input, options);
        await later();
        return current;
      },
    };
  }),
  wrapped('calls of reEncrypt share the destination', 'concurrency-at-scale', (inner) => {
    let current: object;
    return {
      reEncrypt: async (input, options) => {
        const ciphertext = input.ciphertext.slice();
        current = input.destination;
        await Promise.resolve();
        return inner.reEncrypt({ ...input, ciphertext, destination: current }, options);
      },
    };
  }),
  wrapped('data keys share the ciphertext', 'concurrency-at-scale', (inner) => {
    let current: Uint8Array;
    return {
      generateDataKey: async (input, options) => {
        const result = await inner.generateDataKey(input, options);
        current = result.ciphertext;
        await later();
        return replaced(result, { ciphertext: current });
      },
    };
  }),
  wrapped('calls at the same time rejected', 'concurrency-at-scale', (inner) => {
    let underWay = 0;
    return {
      decrypt: async (input, options) => {
        if (++underWay > 16) {
          underWay--;
          throw new ProviderUnavailableError('busy', { operation: 'decrypt' });
        }
        return inner.decrypt(input, options).finally(() => underWay--);
      },
    };
  }),
  {
    ...wrapped('decrypt never answers', 'encrypt-decrypt', () => ({
      decrypt: () => new Promise(() => {}),
    })),
    timeoutMs: 50,
  },
];

/** The other operations, rejected once closed. */
function closedOthers(inner: Inner, but: string, isOpen: () => boolean) {
  const others = OPERATIONS.filter((operation) => operation !== but);
  return Object.fromEntries(
    others.map((operation) => [
      operation,
      async (input: unknown, options: unknown) => {
        if (!isOpen()) throw new ProviderClosedError('closed', { operation });
        return inner[operation](input, options);
      },
    ]),
  );
}
