import { limitOf } from '@keywrap/core';
import { latin1Of } from '../bytes.js';
import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check } from '../expect.js';
import { type Failing, fail, reasonsFor } from '../failing-calls.js';
import type { Outage } from '../harness.js';
import { invoke, type KeyUse } from '../key-use.js';
import { partShown } from '../leak-parts.js';
import { textsOf } from '../leaks.js';
import { allUses, keyFor, usesFor } from '../operations.js';
import { OUTAGE_CODES } from '../outage.js';
import { withLeapingClock } from '../steady-clock.js';

const quiet = {
  id: 'no-partial-leaks',
  statement:
    'Neither an error with its causes nor the console shows 6 bytes of a plaintext, key or ciphertext, or of a grant token of the call, in any notation',
  source: CONTRACT,
  power:
    'Each call fails for up to 13 reasons, and six times in each kind of outage. A leak in each of three failures for one reason, or in two of six in an outage, is found always: as text, hexadecimal and decimal with any separators, base64, one large number. Warnings about long plaintexts too. Not found: a leak of less than 6 bytes, or in 1 of many calls unless of 12 bytes.',
};

/** Makes a failing call with a grant token; returns its error, and all that this must not show. */
async function failed(use: KeyUse, context: CaseContext, failing: Failing) {
  const token = context.secret(48);
  const error = await fail(use, context, failing, { grantTokens: [latin1Of(token)] });
  return { error, secrets: [token, ...failing.secrets] };
}

/** Returns the notation in which the error of a failing call shows a part of a secret. */
async function shownBy(...call: Parameters<typeof failed>): Promise<string | undefined> {
  const { error, secrets } = await failed(...call);
  const text = textsOf(error).join('\n');
  return firstShown(text, secrets);
}

/** Returns the notation in which a text shows a part of one of these secrets. */
function firstShown(text: string, secrets: readonly Uint8Array[]): string | undefined {
  for (const secret of secrets) {
    const where = partShown(text, secret);
    if (where !== undefined) return where;
  }
  return undefined;
}

/** Once, a few bytes may occur by chance. */
const REPEATS = 3;
const IN_OUTAGES = 6;

const OUTAGES = Object.keys(OUTAGE_CODES) as Outage[];

export const quietCases = casesOf(quiet, [
  ...allUses.map(
    (use): CaseInput => ({
      id: `QUI-1${use.number}`,
      title: `${use.title}: its errors show no part of a secret or of a grant token of the call`,
      needs: use.needs,
      profile: 'full',
      async run(context) {
        for (const reason of await reasonsFor(use, context)) {
          let where = await shownBy(use, context, await reason());
          for (let i = 1; i < REPEATS && where !== undefined; i++) {
            where = await shownBy(use, context, await reason());
          }
          const wanted =
            'errors without a part of the plaintext, the ciphertext or the grant token';
          check(where === undefined, wanted, `ones that show it ${where}`);
        }
      },
    }),
  ),
  ...OUTAGES.map(
    (outage, i): CaseInput => ({
      id: `QUI-40${i + 1}`,
      title: `${outage}: the errors of every call show no part of a secret or of a grant token of the call`,
      needs: ['fail', `fail:${outage}`],
      profile: 'full',
      alone: true,
      async run(context) {
        const opened = await context.open();
        const own = { ...context, ...opened };
        const calls: { readonly use: KeyUse; readonly tries: Failing[] }[] = [];
        for (const use of await usesFor(own)) {
          const key = await keyFor(use, own.keys);
          const tries: Failing[] = [];
          while (tries.length < IN_OUTAGES) {
            const plaintext = context.secret();
            const input = await use.input(own, { ...key, plaintext });
            tries.push({ input, secrets: [plaintext, key.ciphertext.slice(-24)] });
          }
          calls.push({ use, tries });
        }
        await opened.fail(outage);
        try {
          for (const { use, tries } of calls) {
            const shown: string[] = [];
            for (const each of tries) shown.push((await shownBy(use, own, each)) ?? '');
            const wheres = shown.filter((where) => where !== '');
            const wanted = `errors of ${use.title} without a part of a secret`;
            check(wheres.length < 2, wanted, `${wheres.length} that show it ${wheres[0]}`);
          }
        } finally {
          await opened.fail(undefined);
        }
      },
    }),
  ),
  {
    id: 'QUI-201',
    title:
      'the console shows no part of a secret, whether calls succeed or fail, or seem to take long',
    profile: 'full',
    alone: true,
    async run(context) {
      const { provider } = context;
      const shown: (string | undefined)[] = [];
      for (let i = 0; i < REPEATS && !shown.includes(undefined); i++) {
        const secrets: Uint8Array[] = [];
        const printed = await printedBy(async () => {
          secrets.push(...(await callSlowly(context)));
          for (const use of await usesFor(context)) {
            const reasons = await reasonsFor(use, context);
            await Promise.all(
              reasons.map(async (reason) => {
                secrets.push(...(await failed(use, context, await reason())).secrets);
              }),
            );
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
        shown.push(firstShown(printed, secrets));
      }
      check(
        shown.includes(undefined),
        'a console without secrets',
        `one that shows a part of one ${shown[0]}`,
      );
    },
  },
]);

/** Makes calls with a clock that leaps, so that each seems to take long; returns what nothing may show. */
async function callSlowly(context: CaseContext): Promise<readonly Uint8Array[]> {
  const opened = await context.open();
  const own = { ...context, ...opened };
  const secrets: Uint8Array[] = [];
  for (const use of await usesFor(own)) {
    if (use.kind === 'RSA_2048' || use.needs.includes('asymmetric')) continue;
    const [plaintext, token] = [context.secret(), context.secret(48)];
    secrets.push(plaintext, token);
    const input = await use.input(own, { ...(await keyFor(use, own.keys)), plaintext });
    const options = { grantTokens: [latin1Of(token)] };
    // What ends by a time-out of its own is rejected.
    await withLeapingClock(() => invoke(own.provider, use, input, options)).catch(() => 'expected');
    if (!('plaintext' in input)) continue;
    const long = context.secret(limitOf(own.provider.capabilities, 'plaintext'));
    secrets.push(long.slice(0, 64), long.slice(-64));
    await invoke(own.provider, use, { ...input, plaintext: long });
  }
  await opened.close();
  return secrets;
}

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
