import { AbortError, IncorrectKeyError, ProviderClosedError, parseKeyId } from '@keywrap/core';
import type { KeyUse } from '../../../packages/testkit/dist/key-use.js';
import { allUses, openingUses } from '../../../packages/testkit/dist/operations.js';
import { type Mutant, OPERATIONS, type Operation, wrapped } from './mutant.js';
import { type Input, named, sideOf, using } from './uses.js';

// Providers that are right but for one use of a key, and wrong there only for calls that are right.

const later = () => new Promise((resolve) => setTimeout(resolve, 2));

/** The input with its key named otherwise. */
function renamed(use: KeyUse, input: Input, rewrite: (keyId: string) => string): Input {
  const key = { ...named(use, input) };
  if (typeof key.keyId === 'string') key.keyId = rewrite(key.keyId);
  return use.operation === 'reEncrypt' ? { ...input, [sideOf(use)]: key } : key;
}

const renaming = (use: KeyUse, name: string, rewrite: (keyId: string) => string) =>
  using(use, name, 'key-not-found', (_, input, inner, options) =>
    inner[use.operation as Operation](renamed(use, input, rewrite), options),
  );

const nameMutants = (use: KeyUse): Mutant[] => [
  renaming(use, 'the scope of a key ARN ignored', (keyId) => {
    const parsed = parseKeyId(keyId);
    return parsed.kind === 'key-arn' ? parsed.id : keyId;
  }),
  renaming(use, 'the partition of a key ARN ignored', (keyId) =>
    parseKeyId(keyId).kind === 'key-arn' ? keyId.replace('arn:aws-cn:', 'arn:aws:') : keyId,
  ),
  renaming(use, 'the scope of an alias ARN ignored', (keyId) => {
    const parsed = parseKeyId(keyId);
    return parsed.kind === 'alias-arn' ? parsed.alias : keyId;
  }),
  renaming(use, 'aliases in any case', (keyId) =>
    keyId.startsWith('alias/') ? keyId.toLowerCase() : keyId,
  ),
];

const lifeMutants = (use: KeyUse): Mutant[] => {
  const operation = use.operation as Operation;
  return [
    using(use, 'close does not wait for it', 'close', async (call) => {
      const result = await call();
      await later();
      return result;
    }),
    (() => {
      const answers = new Map<string, object>();
      return using(use, 'answered from memory after close', 'close', async (call, input) => {
        const name = JSON.stringify(input);
        try {
          const result = await call();
          answers.set(name, result);
          return result;
        } catch (error) {
          const known = answers.get(name);
          if (!(error instanceof ProviderClosedError) || known === undefined) throw error;
          return known;
        }
      });
    })(),
    wrapped(`${use.title}: works until close is done`, 'close', (inner) => {
      let isClosing = false;
      const close = async () => {
        isClosing = true;
        await later();
        await inner.close(undefined);
      };
      const others = OPERATIONS.filter((each) => each !== operation).map((each) => [
        each,
        async (input: Input, options: Input) => {
          if (isClosing) throw new ProviderClosedError('closed', { operation: each });
          return inner[each](input, options);
        },
      ]);
      return { close, ...Object.fromEntries(others) };
    }),
    using(use, 'an abort without its reason', 'abort', (call) =>
      call().catch((error: unknown) => {
        if (error instanceof AbortError) throw new AbortError('aborted', { operation });
        throw error;
      }),
    ),
    using(use, 'any signal is an abort', 'abort', async (call, _, __, options) => {
      if (options?.signal === undefined) return call();
      throw new AbortError('aborted', { operation });
    }),
    using(use, 'looks for its signal late', 'abort', async (_, input, inner, options) => {
      const { signal, ...others } = options ?? {};
      const result = await inner[operation](input, signal?.aborted ? options : others);
      if (options?.signal?.aborted)
        throw new AbortError('aborted', { operation, cause: options.signal.reason });
      return result;
    }),
  ];
};

const FORMS = ['key-arn', 'key-id', 'alias-name', 'alias-arn'] as const;

/** Takes the ciphertext of another key when its own is named in one form. */
const lenient = openingUses
  .filter(({ kind, keyIdField }) => kind !== 'RSA_2048' && keyIdField !== undefined)
  .flatMap((use) =>
    FORMS.map((form) =>
      using(use, `any key for that of a ${form}`, 'incorrect-key', (call, input, inner) =>
        call().catch((error: unknown) => {
          const { keyId, ...key } = named(use, input);
          if (!(error instanceof IncorrectKeyError) || parseKeyId(keyId).kind !== form) throw error;
          const other = use.operation === 'reEncrypt' ? { ...input, source: key } : key;
          return inner[use.operation as Operation](other);
        }),
      ),
    ),
  );

/** Hands the same lists and dates out again and again. */
const keeping = (['getPublicKey', 'describeKey'] as const).map((operation) =>
  wrapped(`${operation}: results share what is in them`, 'results-own-memory', (inner) => {
    const kept = new Map<string, Promise<object>>();
    return {
      [operation]: async (input, options) => {
        const result = kept.get(input.keyId) ?? inner[operation](input, options);
        kept.set(input.keyId, result);
        const all = await result;
        const publicKey = all.publicKey && { publicKey: all.publicKey.slice() };
        return { ...all, ...publicKey };
      },
    };
  }),
);

export const oneUseMutants: readonly Mutant[] = [
  ...allUses.flatMap((use) => [
    ...(use.keyIdField === undefined ? [] : nameMutants(use)),
    ...lifeMutants(use),
  ]),
  ...lenient,
  ...keeping,
];
