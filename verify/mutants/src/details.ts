import {
  AbortError,
  createProvider,
  InvalidCiphertextError,
  InvalidInputError,
} from '@keywrap/core';
import { type Mutant, replaced, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('latin1');
const isEmpty = (context: object | undefined) =>
  context !== undefined && Object.keys(context).length === 0;

/** Hides a copy of the plaintext behind the ciphertext, and takes it off again. */
const MARK = Buffer.from('plaintext:');
function showing(operation: 'encrypt' | 'generateDataKey', breaks: string): Mutant {
  return wrapped(`${operation}: the plaintext behind the ciphertext`, breaks, (inner) => ({
    [operation]: async (input, options) => {
      const result = await inner[operation](input, options);
      const plaintext = operation === 'encrypt' ? input.plaintext : result.plaintext;
      const ciphertext = new Uint8Array(Buffer.concat([result.ciphertext, MARK, plaintext]));
      return replaced(result, { ciphertext });
    },
    decrypt: (input, options) => {
      const end = Buffer.from(input.ciphertext).indexOf(MARK);
      const ciphertext = end < 0 ? input.ciphertext : input.ciphertext.subarray(0, end);
      return inner.decrypt({ ...input, ciphertext }, options);
    },
  }));
}

/** Changes what `describeKey` says of a key. */
const describing = (name: string, change: (key: { keyState: string }) => object) =>
  wrapped(`describeKey: ${name}`, 'describe-key', (inner) => ({
    describeKey: async (input, options) => {
      const key = await inner.describeKey(input, options);
      return { ...key, ...change(key) };
    },
  }));

let opened = 0;

/** Wrong in a detail that one case alone looks at. */
export const detailMutants: readonly Mutant[] = [
  showing('encrypt', 'encrypt-decrypt'),
  showing('generateDataKey', 'data-key'),
  {
    name: 'other capabilities each time',
    breaks: 'capabilities',
    open: () => {
      const driver = new ReferenceDriver();
      const provider = createProvider(driver);
      opened++;
      const dataKeys = opened % 2 === 0;
      const different = replaced(provider, {
        capabilities: { ...provider.capabilities, dataKeys },
      });
      return { provider: different, keys: driver };
    },
  },
  wrapped('RSA without a random seed', 'fresh-ciphertext', (inner) => {
    const made = new Map<string, object>();
    return {
      encrypt: async (input, options) => {
        if (!input.algorithm?.startsWith('RSA')) return inner.encrypt(input, options);
        const name = `${input.keyId} ${text(input.plaintext)}`;
        const result = made.get(name) ?? (await inner.encrypt(input, options));
        made.set(name, result);
        return result;
      },
    };
  }),
  wrapped('reEncrypt without a source rejected', 'key-from-ciphertext', (inner) => ({
    reEncrypt: (input, options) =>
      inner.reEncrypt({ ...input, source: input.source ?? { keyId: 'alias/default' } }, options),
  })),

  wrapped('a context with pairs never opens again', 'encryption-context', (inner) => ({
    decrypt: (input, options) =>
      inner.decrypt(
        isEmpty({ ...input.encryptionContext })
          ? input
          : { ...input, encryptionContext: { ...input.encryptionContext, more: 'x' } },
        options,
      ),
  })),
  wrapped('an empty context told from none', 'encryption-context', (inner) => ({
    encrypt: (input, options) =>
      inner.encrypt(
        isEmpty(input.encryptionContext)
          ? { ...input, encryptionContext: { empty: 'yes' } }
          : input,
        options,
      ),
  })),
  wrapped('a context without a prototype lost', 'encryption-context', (inner) => ({
    decrypt: (input, options) =>
      inner.decrypt(
        input.encryptionContext instanceof Object || input.encryptionContext === undefined
          ? input
          : { ...input, encryptionContext: undefined },
        options,
      ),
  })),
  wrapped('256 pairs of context rejected', 'encryption-context', (inner) => ({
    encrypt: async (input, options) => {
      if (Object.keys(input.encryptionContext ?? {}).length > 255)
        throw new InvalidInputError('encryptionContext', 'is too long', { operation: 'encrypt' });
      return inner.encrypt(input, options);
    },
  })),
  wrapped('reEncrypt tries the destination context too', 're-encrypt-context', (inner) => ({
    reEncrypt: (input, options) =>
      inner.reEncrypt(input, options).catch((error: unknown) => {
        const { encryptionContext } = input.destination;
        if (encryptionContext === undefined || error instanceof InvalidInputError) throw error;
        const source = { ...input.source, encryptionContext };
        return inner.reEncrypt({ ...input, source }, options);
      }),
  })),
  wrapped('reEncrypt ignores a context on an RSA source', 'asymmetric-context', (inner) => ({
    reEncrypt: (input, options) => {
      const { encryptionContext: _, ...source } = input.source ?? {};
      const isRsa = source.algorithm?.startsWith('RSA');
      return inner.reEncrypt(isRsa ? { ...input, source } : input, options);
    },
  })),
  wrapped('reEncrypt retires the old ciphertext', 're-encrypt', (inner) => {
    const retired = new Set<string>();
    return {
      reEncrypt: async (input, options) => {
        const result = await inner.reEncrypt(input, options);
        retired.add(text(input.ciphertext));
        return result;
      },
      decrypt: async (input, options) => {
        if (retired.has(text(input.ciphertext)))
          throw new InvalidCiphertextError('it was moved', { operation: 'decrypt' });
        return inner.decrypt(input, options);
      },
    };
  }),
  wrapped('the tag not compared', 'ciphertext-integrity', (inner) => {
    const made: Buffer[] = [];
    const recall = (given: Uint8Array) =>
      made.find((each) => each.subarray(0, -16).equals(given.subarray(0, -16))) ?? given;
    return {
      encrypt: async (input, options) => {
        const result = await inner.encrypt(input, options);
        made.push(Buffer.from(result.ciphertext));
        return result;
      },
      decrypt: (input, options) =>
        inner.decrypt({ ...input, ciphertext: recall(input.ciphertext) }, options),
    };
  }),
  wrapped('any RSA key opens what any other may', 'asymmetric', (inner) => {
    const seen = new Set<string>();
    return {
      decryptAsymmetric: async (input, options) => {
        seen.add(input.keyId);
        return inner.decryptAsymmetric(input, options).catch(async (error: unknown) => {
          for (const keyId of seen) {
            const opened = await inner
              .decryptAsymmetric({ ...input, keyId }, options)
              .catch(() => undefined);
            if (opened !== undefined) return replaced(opened, { keyId: input.keyId });
          }
          throw error;
        });
      },
      encrypt: (input, options) => {
        if (input.algorithm?.startsWith('RSA')) seen.add(input.keyId);
        return inner.encrypt(input, options);
      },
    };
  }),

  describing('another usage', () => ({ keyUsage: 'SIGN_VERIFY' })),
  describing('enabled called disabled', ({ keyState }) =>
    keyState === 'Enabled' ? { keyState: 'Disabled' } : {},
  ),
  describing('dates as text', () => ({ creationDate: new Date().toISOString() })),
  describing('a date of deletion for every key', () => ({ deletionDate: new Date() })),
  subclassed(
    'disabling one key disables all',
    'key-disabled',
    () => new ReferenceDriver(),
    (driver) => {
      const all: string[] = [];
      return {
        create: async (request) => {
          const key = await driver.create(request);
          all.push(key.keyId);
          return key;
        },
        disable: async () => {
          for (const keyId of all) await driver.disable(keyId);
        },
      };
    },
  ),
  subclassed(
    'a rotated key opens under any name',
    'rotation',
    () =>
      new (class extends ReferenceDriver {
        protected override checkKey(named: ReferenceKey | undefined, made: ReferenceKey) {
          if (made.materials.length === 1) super.checkKey(named, made);
        }
      })(),
  ),
  wrapped('a signal is an abort', 'abort', (inner) => ({
    encrypt: async (input, options) => {
      if (options?.signal !== undefined) throw new AbortError('aborted', { operation: 'encrypt' });
      return inner.encrypt(input, options);
    },
  })),
  wrapped('reEncrypt takes the name of a key as a source', 'invalid-input', (inner) => ({
    reEncrypt: (input, options) =>
      inner.reEncrypt(
        typeof input?.source === 'string' ? { ...input, source: undefined } : input,
        options,
      ),
  })),
  wrapped('pairs without plaintext of an unknown kind', 'invalid-input', (inner) => ({
    generateDataKeyPairWithoutPlaintext: (input, options) =>
      inner
        .generateDataKeyPairWithoutPlaintext(input, options)
        .catch((error: { field?: string }) => {
          if (error.field === 'keyPairSpec') return {};
          throw error;
        }),
  })),
];
