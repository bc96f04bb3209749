import { DataKey, InvalidInputError, ProviderUnavailableError } from '@keywrap/core';
import { type Mutant, type Operation, wrapped } from './mutant.js';
import { ReferenceDriver } from './reference-driver.js';

// biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript passes has no type
type Input = any;

/** Corrects bad input instead of rejecting it. */
function mending(
  name: string,
  breaks: string,
  operations: readonly Operation[],
  mend: (input: Input) => Input,
): Mutant {
  return wrapped(name, breaks, (inner) => ({
    ...Object.fromEntries(
      operations.map((operation) => [
        operation,
        (input: Input, options: Input) => inner[operation](mend(input), options),
      ]),
    ),
  }));
}

const mendContext =
  (mend: (context: Input) => Input) =>
  (input: Input): Input =>
    input?.encryptionContext === undefined
      ? input
      : { ...input, encryptionContext: mend(input.encryptionContext) };

const KNOWN: Partial<Record<Operation, readonly string[]>> = {
  encrypt: ['plaintext', 'keyId', 'algorithm', 'encryptionContext'],
  decrypt: ['ciphertext', 'keyId', 'algorithm', 'encryptionContext'],
  generateDataKey: ['keyId', 'keySpec', 'numberOfBytes', 'encryptionContext'],
  describeKey: ['keyId'],
};

const text = (value: unknown) =>
  typeof value === 'string' ? new TextEncoder().encode(value) : value;

function undeclared(
  name: string,
  claims: Partial<ReferenceDriver['capabilities']>,
  does: Partial<ReferenceDriver['capabilities']> = {},
): Mutant {
  return wrapped(
    name,
    'undeclared-unsupported',
    (inner) => ({ capabilities: { ...inner.capabilities, ...claims } }),
    () => new ReferenceDriver(does),
  );
}

export const inputMutants: readonly Mutant[] = [
  mending(
    'a string taken as a plaintext',
    'invalid-input',
    ['encrypt'],
    (input) => input && { ...input, plaintext: text(input.plaintext) },
  ),
  mending('an array taken as a ciphertext', 'invalid-input', ['decrypt'], (input) =>
    Array.isArray(input?.ciphertext)
      ? { ...input, ciphertext: new Uint8Array(input.ciphertext) }
      : input,
  ),
  mending('shared memory taken', 'invalid-input', ['encrypt'], (input) =>
    input?.plaintext instanceof Uint8Array
      ? { ...input, plaintext: new Uint8Array(Array.from(input.plaintext as Uint8Array)) }
      : input,
  ),
  mending('a detached plaintext taken', 'invalid-input', ['encrypt'], (input) =>
    input?.plaintext instanceof Uint8Array &&
    Object.prototype.toString.call(input.plaintext) === '[object Uint8Array]' &&
    input.plaintext.length === 0
      ? { ...input, plaintext: new Uint8Array(1) }
      : input,
  ),
  mending('an ArrayBuffer taken', 'invalid-input', ['encrypt'], (input) =>
    input?.plaintext instanceof ArrayBuffer
      ? { ...input, plaintext: new Uint8Array(input.plaintext) }
      : input,
  ),
  ...Object.entries(KNOWN).map(([operation, names]) =>
    mending(
      `${operation} ignores unknown fields`,
      'invalid-input',
      [operation as Operation],
      (input) =>
        typeof input === 'object' && input !== null && !Array.isArray(input)
          ? Object.fromEntries(
              names.filter((name) => name in input).map((name) => [name, input[name]]),
            )
          : input,
    ),
  ),
  mending('reEncrypt ignores unknown fields of a side', 'invalid-input', ['reEncrypt'], (input) => {
    if (typeof input?.destination !== 'object' || input.destination === null) return input;
    if (Array.isArray(input.destination)) return input;
    const { keyId, algorithm, encryptionContext } = input.destination;
    return { ...input, destination: { keyId, algorithm, encryptionContext } };
  }),
  mending('a key identifier trimmed', 'invalid-input', ['encrypt'], (input) =>
    typeof input?.keyId === 'string'
      ? { ...input, keyId: input.keyId.replace(/\s/g, '') || '' }
      : input,
  ),
  mending('an algorithm in any case', 'invalid-input', ['encrypt'], (input) =>
    typeof input?.algorithm === 'string'
      ? { ...input, algorithm: input.algorithm.toUpperCase() }
      : input,
  ),
  mending('an unknown algorithm taken for the default', 'invalid-input', ['decrypt'], (input) =>
    input?.algorithm === null ? { ...input, algorithm: undefined } : input,
  ),
  mending('no destination, no error', 'invalid-input', ['reEncrypt'], (input) =>
    input && typeof input === 'object' && !Array.isArray(input) && input.destination == null
      ? { ...input, destination: input.source }
      : input,
  ),
  mending('an unknown keyPairSpec taken', 'invalid-input', ['generateDataKeyPair'], (input) =>
    typeof input?.keyPairSpec === 'string'
      ? { ...input, keyPairSpec: input.keyPairSpec.toUpperCase() }
      : input,
  ),
  wrapped('wrong options ignored', 'invalid-input', (inner) => ({
    encrypt: (input, options) =>
      inner.encrypt(input, options?.signal instanceof AbortSignal ? options : undefined),
  })),
  wrapped('the wrong field named', 'invalid-input', (inner) => ({
    encrypt: (input, options) =>
      inner.encrypt(input, options).catch((error: Error) => {
        if (!(error instanceof InvalidInputError)) throw error;
        throw new InvalidInputError('input', 'is wrong', { operation: 'encrypt' });
      }),
  })),
  wrapped('UNAVAILABLE for bad input', 'invalid-input', (inner) => ({
    generateDataKey: (input, options) =>
      inner.generateDataKey(input, options).catch((error: Error) => {
        if (!(error instanceof InvalidInputError)) throw error;
        throw new ProviderUnavailableError('failed', { operation: 'generateDataKey' });
      }),
  })),

  mending(
    'surrogates replaced',
    'encryption-context-input',
    ['encrypt', 'decrypt'],
    mendContext((context) =>
      typeof context === 'object' && context !== null && !Array.isArray(context)
        ? Object.fromEntries(
            Object.entries(context).map(([key, value]) => [
              key.toWellFormed(),
              typeof value === 'string' ? value.toWellFormed() : value,
            ]),
          )
        : context,
    ),
  ),
  mending(
    '__proto__ lost',
    'encryption-context-input',
    ['encrypt'],
    mendContext((context) =>
      context !== null && typeof context === 'object' && Object.hasOwn(context, '__proto__')
        ? Object.fromEntries(Object.entries(context).filter(([key]) => key !== '__proto__'))
        : context,
    ),
  ),
  mending(
    'values turned into strings',
    'encryption-context-input',
    ['encrypt'],
    mendContext((context) =>
      context !== null && typeof context === 'object' && 'tenant' in context
        ? { ...context, tenant: String(context.tenant) }
        : context,
    ),
  ),
  mending(
    'a null context taken',
    'encryption-context-input',
    ['encrypt', 'decrypt', 'generateDataKey'],
    (input) => (input?.encryptionContext === null ? { ...input, encryptionContext: {} } : input),
  ),
  mending(
    'a Map taken for an empty context',
    'encryption-context-input',
    ['generateDataKey'],
    mendContext((context) => (context instanceof Map ? {} : context)),
  ),
  mending(
    '8193 bytes of context cut',
    'encryption-context-input',
    ['encrypt'],
    mendContext((context) =>
      context?.k?.length === 8186 ? { k: context.k.slice(0, -1) } : context,
    ),
  ),
  wrapped('8192 bytes of context rejected', 'encryption-context-input', (inner) => ({
    encrypt: async (input, options) => {
      if (input?.encryptionContext?.k?.length === 8185) {
        throw new InvalidInputError('encryptionContext', 'is too long', { operation: 'encrypt' });
      }
      return inner.encrypt(input, options);
    },
  })),
  mending(
    'only the first thousand pairs taken',
    'encryption-context-input',
    ['encrypt', 'decrypt'],
    mendContext((context) =>
      context !== null && typeof context === 'object' && Object.keys(context).length > 1000
        ? Object.fromEntries(Object.entries(context).slice(0, 100))
        : context,
    ),
  ),

  mending('keySpec wins over numberOfBytes', 'data-key-size', ['generateDataKey'], (input) =>
    input?.keySpec && input.numberOfBytes ? { ...input, numberOfBytes: undefined } : input,
  ),
  mending('AES_256 by default', 'data-key-size', ['generateDataKey'], (input) =>
    input?.keyId && input.keySpec === undefined && input.numberOfBytes === undefined
      ? { ...input, keySpec: 'AES_256' }
      : input,
  ),
  mending(
    'numberOfBytes as a string',
    'data-key-size',
    ['generateDataKeyWithoutPlaintext'],
    (input) =>
      typeof input?.numberOfBytes === 'string'
        ? { ...input, numberOfBytes: Number(input.numberOfBytes) }
        : input,
  ),
  wrapped('AES_192 offered', 'data-key-size', (inner) => ({
    generateDataKey: async (input, options) => {
      if (input?.keySpec !== 'AES_192') return inner.generateDataKey(input, options);
      return new DataKey({
        plaintext: new Uint8Array(24).fill(1),
        ciphertext: new Uint8Array(64),
        keyId: input.keyId,
      });
    },
  })),
  mending('SHA-256 by default', 'asymmetric-input', ['decryptAsymmetric'], (input) =>
    input?.keyId && input.algorithm === undefined
      ? { ...input, algorithm: 'RSAES_OAEP_SHA_1' }
      : input,
  ),
  wrapped('decrypt opens RSA too', 'asymmetric-input', (inner) => ({
    decrypt: (input, options) =>
      input?.algorithm?.startsWith?.('RSA')
        ? inner.decryptAsymmetric(input, options)
        : inner.decrypt(input, options),
  })),
  wrapped('an RSA source tries every key', 'asymmetric-input', (inner) => ({
    reEncrypt: (input, options) => {
      const { source, destination } = input ?? {};
      return inner.reEncrypt(
        source?.algorithm?.startsWith?.('RSA') && source.keyId === undefined
          ? { ...input, source: { ...source, keyId: destination.keyId } }
          : input,
        options,
      );
    },
  })),

  wrapped('no id', 'capabilities', () => ({ id: '' })),
  wrapped('an algorithm that nobody knows', 'capabilities', (inner) => ({
    capabilities: { ...inner.capabilities, algorithms: ['SYMMETRIC_DEFAULT', 'SM2PKE'] },
  })),
  wrapped('a capability left out', 'capabilities', (inner) => {
    const { dataKeys: _, ...capabilities } = inner.capabilities as unknown as { dataKeys: boolean };
    return { capabilities };
  }),
  wrapped('data keys without a symmetric key', 'capabilities', (inner) => ({
    capabilities: { ...inner.capabilities, algorithms: ['RSAES_OAEP_SHA_256'] },
  })),

  undeclared('data keys generated undeclared', { dataKeys: false }),
  undeclared('pairs generated undeclared', { dataKeyPairSpecs: ['ECC_NIST_P256'] }),
  undeclared('RSA pairs alone declared', { dataKeyPairSpecs: ['RSA_2048'] }),
  undeclared('symmetric keys taken undeclared', {
    algorithms: ['RSAES_OAEP_SHA_256'],
    encryptionContext: false,
    keyIdFromCiphertext: false,
    dataKeys: false,
    dataKeyPairSpecs: [],
  }),
  undeclared('a context taken undeclared', { encryptionContext: false }),
  undeclared('a keyId left out undeclared', { keyIdFromCiphertext: false }),
  undeclared('SHA-1 taken undeclared', { algorithms: ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_256'] }),
  undeclared('SHA-384 and SHA-512 taken undeclared', {
    algorithms: ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
  }),
  undeclared('getPublicKey undeclared', { algorithms: ['SYMMETRIC_DEFAULT'] }),
  wrapped(
    'INVALID_INPUT for what is undeclared',
    'undeclared-unsupported',
    (inner) => ({
      generateDataKey: (input, options) =>
        inner.generateDataKey(input, options).catch(() => {
          throw new InvalidInputError('input', 'is not supported', {
            operation: 'generateDataKey',
          });
        }),
    }),
    () => new ReferenceDriver({ dataKeys: false }),
  ),
];
