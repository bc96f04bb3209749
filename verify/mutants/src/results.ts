import { type Mutant, type Operation, plain, replaced, wrapped } from './mutant.js';
import type { Input } from './uses.js';

const base64 = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64');

/** Gives views of one big buffer away, as Buffer.from and Buffer.allocUnsafe do. */
function pooled(operation: Operation, field: string): Mutant {
  return wrapped(`${operation} gives a view of a pool`, 'results-own-memory', (inner) => ({
    [operation]: async (input, options) => {
      const result = await inner[operation](input, options);
      const bytes = result[field] as Uint8Array;
      const pool = new Uint8Array(8192);
      pool.set(bytes, 64);
      return replaced(result, { [field]: pool.subarray(64, 64 + bytes.length) });
    },
  }));
}

function showing(name: string, operation: Operation, show: (result: object) => unknown): Mutant {
  return wrapped(name, 'results-hide-secrets', (inner) => ({
    [operation]: async (input, options) => show(await inner[operation](input, options)),
  }));
}

/** What they encrypted stands in results that need not have it. */
const telling = wrapped('results with what was encrypted', 'results-hide-secrets', (inner) => {
  const fields = {
    encrypt: 'ciphertext',
    generateDataKeyWithoutPlaintext: 'ciphertext',
    generateDataKeyPairWithoutPlaintext: 'privateKeyCiphertext',
    reEncrypt: 'ciphertext',
  } as const;
  const all = Object.entries(fields).map(([operation, field]) => [
    operation,
    async (input: Input, options: Input) => {
      const result = await inner[operation as keyof typeof fields](input, options);
      const { keyId = result.destinationKeyId } = result;
      const ciphertext = result[field];
      const opened = await inner.decrypt({ keyId, ciphertext }).catch(() => ({}));
      return Object.defineProperty({ ...result }, 'request', { value: base64(opened.plaintext) });
    },
  ]);
  return Object.fromEntries(all);
});

/** Wrong about memory and secrets. */
export const resultMutants: readonly Mutant[] = [
  telling,
  pooled('encrypt', 'ciphertext'),
  pooled('decrypt', 'plaintext'),
  pooled('decryptAsymmetric', 'plaintext'),
  pooled('reEncrypt', 'ciphertext'),
  pooled('generateDataKey', 'plaintext'),
  pooled('generateDataKeyWithoutPlaintext', 'ciphertext'),
  pooled('generateDataKeyPair', 'privateKey'),
  pooled('generateDataKeyPairWithoutPlaintext', 'privateKeyCiphertext'),
  pooled('getPublicKey', 'publicKey'),
  ...(['decrypt', 'decryptAsymmetric'] as const).map((operation) =>
    wrapped(`${operation} hands out one array twice`, 'results-own-memory', (inner) => {
      const cache = new Map<string, Uint8Array>();
      return {
        [operation]: async (input, options) => {
          const result = await inner[operation](input, options);
          const name = base64(input.ciphertext);
          if (!cache.has(name)) cache.set(name, result.plaintext);
          return replaced(result, { plaintext: cache.get(name) });
        },
      };
    }),
  ),
  wrapped('getPublicKey hands out its own copy', 'results-own-memory', (inner) => {
    const cache = new Map<string, Promise<object>>();
    return {
      getPublicKey: (input, options) => {
        const known = cache.get(input.keyId) ?? inner.getPublicKey(input, options);
        cache.set(input.keyId, known);
        return known.then((result: object) => ({ ...result }));
      },
    };
  }),
  showing('decrypt gives a plain object', 'decrypt', (result) => plain(result)),
  showing('decryptAsymmetric gives a plain object', 'decryptAsymmetric', (result) => plain(result)),
  showing('generateDataKey gives a plain object', 'generateDataKey', (result) => plain(result)),
  showing('a data key with a telling toJSON', 'generateDataKey', (result) =>
    replaced(result, { toJSON: () => plain(result) }),
  ),
  showing('a pair with a telling inspection', 'generateDataKeyPair', (result) =>
    Object.assign(result, { debug: base64(plain(result).privateKey as Uint8Array) }),
  ),
  ...(['decrypt', 'decryptAsymmetric', 'generateDataKey', 'generateDataKeyPair'] as const).map(
    (operation) =>
      wrapped(`${operation}: dispose does not wipe`, 'results-disposable', (inner) => ({
        [operation]: async (input, options) => {
          const result = await inner[operation](input, options);
          return replaced(result, { [Symbol.dispose]: () => {} });
        },
      })),
  ),
  wrapped('zeros instead of an error after dispose', 'results-disposable', (inner) => ({
    generateDataKey: async (input, options) => {
      const result = await inner.generateDataKey(input, options);
      return replaced(result, { plaintext: result.plaintext });
    },
  })),
];
