import type { EncryptionContext } from '@keywrap/core';
import { type Mutant, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver } from './reference-driver.js';

/** Binds to whatever `bind` makes of a context. */
function binding(name: string, bind: (context: EncryptionContext) => string): Mutant {
  return subclassed(
    name,
    'encryption-context',
    () =>
      new (class extends ReferenceDriver {
        protected override authenticated(
          header: Uint8Array,
          { encryptionContext }: { readonly encryptionContext: EncryptionContext },
        ) {
          const bytes = Buffer.from(bind(encryptionContext));
          return new Uint8Array(Buffer.concat([header, bytes]));
        }
      })(),
  );
}

const sorted = (context: EncryptionContext) => Object.entries(context).sort();
const json = (context: EncryptionContext, map: (text: string) => string) =>
  JSON.stringify(sorted(context).map(([key, value]) => [map(key), map(value)]));
const without = ({ encryptionContext: _, ...input }: Record<string, unknown>) => input;

export const contextMutants: readonly Mutant[] = [
  binding('context ignored', () => ''),
  binding('context concatenated', (context) => sorted(context).flat().join('')),
  binding('context joined with = and ,', (context) =>
    sorted(context)
      .map((pair) => pair.join('='))
      .join(','),
  ),
  binding('context joined with zeros', (context) => sorted(context).flat().join('\0')),
  binding('context order significant', (context) => JSON.stringify(Object.entries(context))),
  binding('context values in lower case', (context) =>
    JSON.stringify(sorted(context).map(([key, value]) => [key, value.toLowerCase()])),
  ),
  binding('context keys in lower case', (context) =>
    JSON.stringify(sorted(context).map(([key, value]) => [key.toLowerCase(), value])),
  ),
  binding('context trimmed', (context) => json(context, (text) => text.trim())),
  binding('context normalised', (context) => json(context, (text) => text.normalize('NFC'))),
  binding('context cut off after 512 characters', (context) =>
    json(context, (text) => text.slice(0, 512)),
  ),
  binding('context as ASCII', (context) =>
    json(context, (text) => Buffer.from(text, 'latin1').toString('latin1')),
  ),
  binding('only the keys of the context', (context) => JSON.stringify(Object.keys(context).sort())),
  binding('only the values of the context', (context) =>
    JSON.stringify(Object.values(context).sort()),
  ),
  binding('pairs with an empty value left out', (context) =>
    JSON.stringify(sorted(context).filter(([, value]) => value !== '')),
  ),
  binding('only the first pair of the context', (context) =>
    JSON.stringify(sorted(context).slice(0, 1)),
  ),
  binding('pairs counted in one byte', (context) =>
    JSON.stringify(sorted(context).slice(0, Object.keys(context).length % 256)),
  ),
  ...(
    [
      'generateDataKey',
      'generateDataKeyWithoutPlaintext',
      'generateDataKeyPair',
      'generateDataKeyPairWithoutPlaintext',
    ] as const
  ).map((operation) =>
    wrapped(`${operation} ignores the context`, 'encryption-context', (inner) => ({
      [operation]: (input, options) => inner[operation](without(input), options),
    })),
  ),
  wrapped('decrypt without a keyId tries without a context too', 'encryption-context', (inner) => ({
    decrypt: (input, options) =>
      inner.decrypt(input, options).catch((error: unknown) => {
        if (input.keyId !== undefined) throw error;
        return inner.decrypt(without(input), options).catch(() => {
          throw error;
        });
      }),
  })),
  wrapped('reEncrypt drops the destination context', 're-encrypt-context', (inner) => ({
    reEncrypt: (input, options) =>
      inner.reEncrypt({ ...input, destination: without(input.destination) }, options),
  })),
  wrapped(
    'reEncrypt gives the source context to the destination',
    're-encrypt-context',
    (inner) => ({
      reEncrypt: (input, options) => {
        const { source, destination } = input;
        if (source?.encryptionContext === undefined || destination.algorithm?.startsWith('RSA')) {
          return inner.reEncrypt(input, options);
        }
        const { encryptionContext } = source;
        return inner.reEncrypt(
          { ...input, destination: { ...destination, encryptionContext } },
          options,
        );
      },
    }),
  ),
  wrapped('reEncrypt merges the two contexts', 're-encrypt-context', (inner) => ({
    reEncrypt: (input, options) => {
      const { source, destination } = input;
      if (source?.encryptionContext === undefined || destination?.encryptionContext === undefined) {
        return inner.reEncrypt(input, options);
      }
      const encryptionContext = { ...source.encryptionContext, ...destination.encryptionContext };
      return inner.reEncrypt(
        { ...input, destination: { ...destination, encryptionContext } },
        options,
      );
    },
  })),
  wrapped('RSA ignores a context silently', 'asymmetric-context', (inner) => ({
    encrypt: (input, options) =>
      inner.encrypt(input?.algorithm?.startsWith('RSA') ? without(input) : input, options),
    decryptAsymmetric: (input, options) => inner.decryptAsymmetric(without(input), options),
  })),
  wrapped('reEncrypt ignores a context on an RSA destination', 'asymmetric-context', (inner) => ({
    reEncrypt: (input, options) => {
      const { destination } = input;
      const isRsa = destination.algorithm?.startsWith('RSA');
      return inner.reEncrypt(
        isRsa ? { ...input, destination: without(destination) } : input,
        options,
      );
    },
  })),
];
