import { type EncryptRequest, KeyNotFoundError, parseKeyId } from '@keywrap/core';
import {
  type Inner,
  type Loose,
  type Mutant,
  OPERATIONS,
  type Overrides,
  replaced,
  subclassed,
  wrapped,
} from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';
import type { Input } from './uses.js';

// What caches, and searches for names, do wrong.

/** Replaces every operation by a function of its name. */
export function everyOperation(
  name: string,
  breaks: string,
  change: (inner: Inner, operation: (typeof OPERATIONS)[number]) => Loose,
): Mutant {
  return wrapped(name, breaks, (inner): Overrides => {
    return Object.fromEntries(OPERATIONS.map((each) => [each, change(inner, each)]));
  });
}

/** Rewrites each keyId in an input. */
async function renamed(input: Input, rewrite: (keyId: string) => unknown): Promise<Input> {
  const side = async (key: Input) =>
    typeof key?.keyId === 'string' ? { ...key, keyId: await rewrite(key.keyId) } : key;
  if (input?.destination === undefined) return side(input);
  return {
    ...input,
    ...(input.source !== undefined && { source: await side(input.source) }),
    destination: await side(input.destination),
  };
}

const inputName = (input: Input) =>
  JSON.stringify(input, (_, value) => (value instanceof Uint8Array ? [...value] : value));

const stale: readonly Mutant[] = [
  everyOperation('equal calls get the answer of the first', 'current-state', (inner, operation) => {
    const kept = new Map<string, object>();
    return async (input, options) => {
      const name = inputName(input);
      const result = kept.get(name) ?? (await inner[operation](input, options));
      kept.set(name, result);
      return result;
    };
  }),
  wrapped('aliases looked up once', 'current-state', (inner) => {
    const known = new Map<string, string>();
    const resolve = async (keyId: string) => {
      if (!parseKeyId(keyId).kind.startsWith('alias')) return keyId;
      const arn = known.get(keyId) ?? (await inner.describeKey({ keyId })).keyId;
      known.set(keyId, arn);
      return arn;
    };
    const all = OPERATIONS.map((operation) => [
      operation,
      async (input: Input, options: Input) =>
        inner[operation](await renamed(input, resolve), options),
    ]);
    return Object.fromEntries(all);
  }),
  everyOperation('what was not found is kept', 'current-state', (inner, operation) => {
    const missing = new Map<string, unknown>();
    return async (input, options) => {
      const known = missing.get(input?.keyId);
      if (known !== undefined) throw known;
      return inner[operation](input, options).catch((error: unknown) => {
        if (error instanceof KeyNotFoundError) missing.set(input?.keyId, error);
        throw error;
      });
    };
  }),
  subclassed(
    'an alias keeps its key version',
    'current-state',
    () =>
      new (class extends ReferenceDriver {
        #isAlias = false;
        override encrypt(request: EncryptRequest) {
          this.#isAlias = request.key.text.startsWith('alias/');
          return super.encrypt(request);
        }
        protected override headerOf(key: ReferenceKey) {
          const header = super.headerOf(key);
          if (this.#isAlias) header[16] = 0;
          return header;
        }
      })(),
  ),
  wrapped('descriptions are kept', 'current-state', (inner) => {
    const kept = new Map<string, object>();
    return {
      describeKey: async (input, options) => {
        const result = kept.get(input.keyId) ?? (await inner.describeKey(input, options));
        kept.set(input.keyId, result);
        return result;
      },
    };
  }),
];

/** Looks keys up under another name than that of the call. */
export const lenient = (name: string, rewrite: (keyId: string) => string) =>
  everyOperation(name, 'exact-key-ids', (inner, operation) => async (input, options) => {
    return inner[operation](await renamed(input, rewrite), options);
  });

const names: readonly Mutant[] = [
  lenient('names are trimmed', (keyId) => keyId.replace(/\s+$/, '')),
  lenient('names end at a question mark', (keyId) => keyId.split('?')[0] as string),
  lenient('key ids in any case', (keyId) =>
    keyId.startsWith('alias/') ? keyId : keyId.replace(/[0-9A-F-]{36}$/, (id) => id.toLowerCase()),
  ),
];

/** Key ids that are numbers, as a table counts them, and how it looks one up. */
const numbered = (name: string, comparable: (id: string) => string) =>
  subclassed(name, 'exact-key-ids', () => {
    let count = 9;
    return new (class extends ReferenceDriver {
      protected override newId() {
        return `${++count}`;
      }
      protected override comparable(id: string) {
        return comparable(id);
      }
    })();
  });

const numbers: readonly Mutant[] = [
  numbered('ids without their leading zeros', (id) => id.replace(/^0+(?=\d)/, '')),
  numbered('ids with a sign', (id) => id.replace(/^\+/, '')),
  numbered('ids with blanks around', (id) => id.trim()),
  numbered('ids as decimals', (id) => id.replace(/^(\d+)\.0*$/, '$1')),
  numbered('ids as numbers', (id) => `${Number(id)}`),
  numbered(
    'ids up to the first character that is not a digit',
    (id) => `${Number.parseInt(id, 10)}`,
  ),
  numbered('ids in any digits', (id) =>
    id.replace(/[\u0660-\u0669\uff10-\uff19]/g, (digit) => `${digit.charCodeAt(0) & 0xf}`),
  ),
  subclassed(
    'names in a compatible form of Unicode',
    'exact-key-ids',
    () =>
      new (class extends ReferenceDriver {
        protected override comparable(name: string) {
          return name.normalize('NFKC');
        }
      })(),
  ),
];

const twice = everyOperation(
  'reads its input twice',
  'input-read-once',
  (inner, operation) => (input, options) => {
    // As a check does, before the call.
    inputName(input);
    return inner[operation](input, options);
  },
);

/** Every result with something else in it once in so many calls. */
function sometimes(name: string, every: number): Mutant {
  return everyOperation(name, 'no-rare-faults', (inner, operation) => {
    let calls = 0;
    return async (input, options) => {
      const result = await inner[operation](input, options);
      if (++calls % every !== 0) return result;
      const field = ['plaintext', 'ciphertext', 'privateKeyCiphertext', 'publicKey'].find(
        (each) => result[each],
      );
      if (field === undefined) return replaced(result, { description: 'another' });
      const bytes = new Uint8Array(result[field]);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      return replaced(result, { [field]: bytes });
    };
  });
}

const rare: readonly Mutant[] = [
  sometimes('one call in 20 is wrong', 20),
  sometimes('one call in 900 is wrong', 900),
  everyOperation('one bad ciphertext in 20 is taken', 'no-rare-faults', (inner, operation) => {
    let failures = 0;
    return (input, options) =>
      inner[operation](input, options).catch((error: unknown) => {
        if (++failures % 20 === 0) return {};
        throw error;
      });
  }),
];

export const cacheMutants: readonly Mutant[] = [...stale, ...names, ...numbers, twice, ...rare];
