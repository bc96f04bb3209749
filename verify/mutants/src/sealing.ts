import type { EncryptionContext } from '@keywrap/core';
import { DATA_KEY_PAIR_SPECS, DataKey, KeyDisabledError } from '@keywrap/core';
import { sealingUses } from '../../../packages/testkit/dist/operations.js';
import { type Mutant, type Operation, replaced, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver } from './reference-driver.js';

// What a backend does inside: wrapping without `encrypt`, over the life of a key, for input that
// no one thought of.

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

const inside = sealingUses.flatMap(({ operation: name, title, number }) => {
  const operation = name as Operation;
  // Of the two ways to re-encrypt that seal with a symmetric key, only this one.
  const isIt = (input: { source?: { algorithm?: string } }) =>
    operation !== 'reEncrypt' ||
    (number === '8') === (input.source?.algorithm?.startsWith('RSA') ?? false);
  const field = name.startsWith('generateDataKeyPair') ? 'privateKeyCiphertext' : 'ciphertext';
  return [
    wrapped(`${title} authenticates half of what it wraps`, 'ciphertext-integrity', (inner) => {
      const made: Buffer[] = [];
      const recall = (given: Uint8Array) => {
        const half = given.length >> 1;
        const isNear = (each: Buffer) =>
          each.length === given.length && each.subarray(0, half).equals(given.subarray(0, half));
        return new Uint8Array(made.find(isNear) ?? given);
      };
      return {
        [operation]: async (input, options) => {
          const result = await inner[operation](input, options);
          if (isIt(input)) made.push(Buffer.from(result[field]));
          return result;
        },
        decrypt: (input, options) =>
          inner.decrypt({ ...input, ciphertext: recall(input.ciphertext) }, options),
      };
    }),
  ];
});

/** Both operations draw from one small store of pairs. */
const sharing = DATA_KEY_PAIR_SPECS.map((spec) =>
  wrapped(
    `${spec} is the same pair without plaintext`,
    'data-key-pair',
    (inner) => {
      let first: { publicKey: Uint8Array; privateKeyCiphertext: Uint8Array } | undefined;
      return {
        generateDataKeyPair: async (input, options) => {
          const result = await inner.generateDataKeyPair(input, options);
          first ??= result;
          return result;
        },
        generateDataKeyPairWithoutPlaintext: async (input, options) => {
          const result = await inner.generateDataKeyPairWithoutPlaintext(input, options);
          const { publicKey, privateKeyCiphertext } = first ?? result;
          return { ...result, publicKey: publicKey.slice(), privateKeyCiphertext };
        },
      };
    },
    () => new ReferenceDriver({ dataKeyPairSpecs: [spec] }),
  ),
);

/** Data keys that are wrapped as they are, and not as random as they should be. */
const weak = (name: string, weaken: (bytes: Uint8Array) => Uint8Array) =>
  wrapped(name, 'data-key', (inner) => ({
    generateDataKey: async (input, options) => {
      const { keyId, encryptionContext } = input ?? {};
      const right = await inner.generateDataKey(input, options);
      const plaintext = weaken(right.plaintext.slice());
      const sealed = await inner.encrypt({ keyId, encryptionContext, plaintext }, options);
      return new DataKey({ plaintext, ciphertext: sealed.ciphertext, keyId: sealed.keyId });
    },
  }));

/** Serialises the context otherwise when it opens than when it seals. */
function binding(
  name: string,
  breaks: string,
  bind: (context: EncryptionContext) => string,
): Mutant {
  return subclassed(
    name,
    breaks,
    () =>
      new (class extends ReferenceDriver {
        protected override authenticated(
          header: Uint8Array,
          request: { readonly encryptionContext: EncryptionContext },
        ) {
          const bytes = Buffer.from(bind(request.encryptionContext));
          return new Uint8Array(Buffer.concat([header, bytes]));
        }
      })(),
  );
}

export const sealingMutants: readonly Mutant[] = [
  ...inside,
  ...sharing,
  weak('data keys of letters', (bytes) => bytes.map((byte) => 97 + (byte % 26))),
  weak('long data keys that repeat their beginning', (bytes) =>
    bytes.map((_, i) => bytes[i % 32] as number),
  ),
  subclassed(
    'RSA declared, but no keys for it',
    'capabilities',
    () =>
      new (class extends ReferenceDriver {
        protected override supports(keySpec: string) {
          return !keySpec.startsWith('RSA');
        }
      })(),
  ),
  subclassed(
    'disabling forgets the old key material',
    'any-sequence',
    () => new ReferenceDriver(),
    (driver) => ({
      create: (request) => driver.create(request),
      enable: (keyId) => driver.enable(keyId),
      rotate: (keyId) => driver.rotate(keyId),
      disable: async (keyId) => {
        await driver.disable(keyId);
        const { materials } = driver.find(keyId);
        materials.fill(materials.at(-1) as (typeof materials)[number]);
      },
    }),
  ),
  wrapped('what was opened once opens always', 'any-sequence', (inner) => {
    const known = new Map<string, object>();
    return {
      decrypt: async (input, options) => {
        const name = `${input.keyId} ${text(input.ciphertext)}`;
        const result = known.get(name) ?? (await inner.decrypt(input, options));
        known.set(name, result);
        return result;
      },
    };
  }),
  wrapped('reEncrypt to a key that was disabled once', 'any-sequence', (inner) => {
    const once = new Set<string>();
    return {
      reEncrypt: async (input, options) => {
        const { keyId } = input.destination;
        if (once.has(keyId)) throw new KeyDisabledError('disabled', { operation: 'reEncrypt' });
        return inner.reEncrypt(input, options).catch((error: unknown) => {
          if (error instanceof KeyDisabledError) once.add(keyId);
          throw error;
        });
      },
    };
  }),
  wrapped('the highest bit of the last byte lost', 'any-input', (inner) => ({
    decrypt: async (input, options) => {
      const result = await inner.decrypt(input, options);
      const plaintext = result.plaintext.slice();
      plaintext[plaintext.length - 1] = (plaintext.at(-1) as number) & 0x7f;
      return replaced(result, { plaintext });
    },
  })),
  wrapped('code points of four bytes lost in decrypt', 'any-input', (inner) => ({
    decrypt: (input, options) => {
      const narrow = (each: string) => each.replace(/[\u{10000}-\u{10ffff}]/gu, '?');
      const pairs = Object.entries<string>(input.encryptionContext ?? {});
      const encryptionContext = Object.fromEntries(pairs.map((each) => each.map(narrow)));
      return inner.decrypt({ ...input, encryptionContext }, options);
    },
  })),
  binding('the order of pairs matters', 'any-input', (context) => JSON.stringify(context)),
  ...['', '=', ',', ':', '"', '\0'].map((glue) =>
    binding(`pairs joined with ${JSON.stringify(glue)}`, 'any-other-context', (context) =>
      Object.entries(context).sort().flat().join(glue),
    ),
  ),
];
