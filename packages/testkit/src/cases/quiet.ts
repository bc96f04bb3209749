import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { flip } from '../damage.js';
import { check } from '../expect.js';
import { type Fields, invoke, type KeyUse } from '../key-use.js';
import { partShown } from '../leak-parts.js';
import { textsOf } from '../leaks.js';
import { allUses, keyFor, openingUses, usesFor } from '../operations.js';
import { keyOf, seal } from '../round-trip.js';
import { asText } from '../statistics.js';

const quiet = {
  id: 'no-partial-leaks',
  statement:
    'Neither an error with its causes nor the console shows 6 bytes of a plaintext, key or ciphertext, or of a grant token of the call, in any notation',
  source: CONTRACT,
  power:
    'A leak in each of three calls is found always: as text, hexadecimal and decimal with any separators, base64, one large number. Not found: a leak of less than 6 bytes, or in 1 of many calls unless of 12 bytes.',
};

/** A call that fails, and what its error must not show. */
interface Failing {
  readonly input: Fields;
  readonly secrets: readonly Uint8Array[];
}

/** Inputs of a call that fail for different reasons. */
async function failing(use: KeyUse, context: CaseContext): Promise<Failing[]> {
  const key = await keyOf(context, use.kind);
  const isOpening = openingUses.includes(use);
  const sealed = isOpening
    ? await seal(context, key)
    : { ...(await keyFor(use, context.keys)), plaintext: context.secret() };
  // The beginning of a ciphertext may be public: it names the key.
  const secrets = [sealed.plaintext, ...(isOpening ? [sealed.ciphertext.slice(-24)] : [])];
  const missing = { ...sealed, keyId: 'alias/keywrap-no-such-alias' };
  const damaged = flip(sealed.ciphertext);
  return [
    ...(use.keyIdField === undefined
      ? []
      : [{ input: await use.input(context, missing), secrets }]),
    ...(isOpening
      ? [
          {
            input: await use.input(context, { ...sealed, ciphertext: damaged }),
            secrets: [sealed.plaintext, damaged.slice(-24)],
          },
        ]
      : []),
    ...(use.operation === 'encrypt'
      ? [
          await (async () => {
            const plaintext = context.secret(4097);
            return {
              input: await use.input(context, { ...sealed, plaintext }),
              secrets: [plaintext.slice(0, 64)],
            };
          })(),
        ]
      : []),
  ];
}

const REPEATS = 3;

export const quietCases = casesOf(quiet, [
  ...allUses
    // The others have no secret in their input.
    .filter((use) => use.operation === 'encrypt' || openingUses.includes(use))
    .map(
      (use): CaseInput => ({
        id: `QUI-1${use.number}`,
        title: `${use.title}: its errors show no part of a secret`,
        needs: use.needs,
        profile: 'full',
        async run(context) {
          const tries: Failing[][] = [];
          for (let i = 0; i < REPEATS; i++) tries.push(await failing(use, context));
          for (const [reason] of (tries[0] ?? []).entries()) {
            const shown: (string | undefined)[] = [];
            for (const each of tries) {
              const { input, secrets } = each[reason] as Failing;
              const error: unknown = await invoke(context.provider, use, input).then(
                () => undefined,
                (rejection: unknown) => rejection,
              );
              const text = textsOf(error).join('\n');
              shown.push(
                secrets
                  .map((secret) => partShown(text, secret))
                  .find((where) => where !== undefined),
              );
            }
            check(
              shown.includes(undefined),
              'errors without a part of the plaintext or the ciphertext',
              `ones that show it ${shown[0]}`,
            );
          }
        },
      }),
    ),
  ...allUses.map(
    (use): CaseInput => ({
      id: `QUI-3${use.number}`,
      title: `${use.title}: its errors show no part of a grant token of the call`,
      needs: use.needs,
      profile: 'full',
      async run(context) {
        const { provider, keys } = context;
        const hasReasons = use.operation === 'encrypt' || openingUses.includes(use);
        const tries: (string | undefined)[][] = [];
        for (let i = 0; i < REPEATS; i++) {
          const missing = { ...(await keyFor(use, keys)), keyId: 'alias/keywrap-no-such-alias' };
          const inputs = hasReasons
            ? (await failing(use, context)).map(({ input }) => input)
            : [await use.input(context, missing)];
          const shown: (string | undefined)[] = [];
          for (const input of inputs) {
            const token = context.secret(48);
            const options = { grantTokens: [asText(token)] };
            const error: unknown = await invoke(provider, use, input, options).then(
              () => undefined,
              (rejection: unknown) => rejection,
            );
            shown.push(partShown(textsOf(error).join('\n'), token));
          }
          tries.push(shown);
        }
        for (const [reason] of (tries[0] ?? []).entries()) {
          const shown = tries.map((each) => each[reason]);
          check(
            shown.includes(undefined),
            'errors without a part of the grant tokens',
            `ones that show it ${shown[0]}`,
          );
        }
      },
    }),
  ),
  {
    id: 'QUI-201',
    title: 'the console shows no part of a secret, whether calls succeed or fail',
    profile: 'full',
    alone: true,
    async run(context) {
      const { provider } = context;
      const shown: (string | undefined)[] = [];
      for (let i = 0; i < REPEATS; i++) {
        const secrets: Uint8Array[] = [];
        const printed = await printedBy(async () => {
          for (const use of await usesFor(context)) {
            for (const { input, secrets: own } of await failing(use, context)) {
              const token = context.secret(48);
              secrets.push(...own, token);
              const options = { grantTokens: [asText(token)] };
              await invoke(provider, use, input, options).catch(() => 'expected');
            }
            const input = await use.input(context, await keyFor(use, context.keys));
            const result = await invoke(provider, use, input);
            for (const name of use.returns) {
              if (name !== 'publicKey') secrets.push((result[name] as Uint8Array).slice(-32));
            }
            if ('plaintext' in input) secrets.push(input.plaintext as Uint8Array);
            if (use.operation !== 'generateDataKey') continue;
            for (const numberOfBytes of [8, 15, 24]) {
              const { keySpec: _, ...target } = input;
              const short = await invoke(provider, use, { ...target, numberOfBytes });
              secrets.push(short.plaintext.slice());
            }
          }
        });
        shown.push(
          secrets.map((secret) => partShown(printed, secret)).find((where) => where !== undefined),
        );
      }
      check(
        shown.includes(undefined),
        'a console without secrets',
        `one that shows a part of one ${shown[0]}`,
      );
    },
  },
]);

const METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const;

/** Does some work, and returns what was written meanwhile to the console, to the standard streams and as a warning. */
async function printedBy(work: () => Promise<void>): Promise<string> {
  const printed: string[] = [];
  const restore: (() => void)[] = [];
  const replace = <T extends object>(owner: T, name: keyof T & string, replacement: unknown) => {
    const own = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { value: replacement, configurable: true, writable: true });
    restore.push(() => {
      if (own === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, own);
    });
  };
  const keep = (values: readonly unknown[]) => {
    printed.push(
      ...values.flatMap((value) => (typeof value === 'string' ? [value] : textsOf(value))),
    );
  };
  for (const method of METHODS) replace(console, method, (...values: unknown[]) => keep(values));
  const { process } = globalThis as { process?: NodeJS.Process };
  const { stdout, stderr } = process ?? {};
  for (const stream of [stdout, stderr]) {
    if (stream === undefined) continue;
    replace(stream, 'write', (chunk: string | Uint8Array) => {
      keep([typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk)]);
      return true;
    });
  }
  const warned = (warning: Error) => keep([warning]);
  process?.on?.('warning', warned);
  restore.push(() => process?.off?.('warning', warned));
  try {
    await work();
    // What is written in the next turn belongs to it too.
    await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    for (const undo of restore.reverse()) undo();
  }
  return printed.join('\n');
}
