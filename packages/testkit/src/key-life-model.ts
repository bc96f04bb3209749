import fc from 'fast-check';
import type { CaseContext } from './case.js';
import { expectBytes, expectError, expectKeyArn } from './expect.js';

/** A ciphertext, and its state in the model. */
interface Sealed {
  readonly key: number;
  readonly plaintext: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** Two keys of the provider under test, and a model of their states. */
export interface Life {
  readonly context: CaseContext;
  readonly keyIds: readonly string[];
  readonly enabled: boolean[];
  readonly rotations: number[];
  readonly sealed: Sealed[];
}

/** A command on the keys; the model determines its outcome. */
export interface Command {
  run(life: Life): Promise<void>;
  /** Describes the command in a failure message. */
  toString(): string;
}

/**
 * Returns two enabled keys, the same each time, so that a provider does not fill with keys.
 *
 * @param caseId Each case has its own two: cases may run at the same time.
 */
export async function newLife(context: CaseContext, caseId: string): Promise<Life> {
  const { keys } = context;
  const lasting = await keys.once(`two keys with a life cycle for ${caseId}`, async () => ({
    keyIds: [await keys.create(), await keys.create()],
    enabled: [true, true],
    rotations: [0, 0],
  }));
  const life = { ...lasting, context, sealed: [] };
  await enableAll(life);
  return life;
}

async function enableAll(life: Life): Promise<void> {
  for (const key of life.keyIds.keys()) await turn(life, key, true);
}

/** Enables or disables a key, unless it already is. */
async function turn({ context, keyIds, enabled }: Life, key: number, on: boolean): Promise<void> {
  if (enabled[key] === on) return;
  await context.keys[on ? 'enable' : 'disable'](keyIds[key] as string);
  enabled[key] = on;
}

/** Checks that every ciphertext decrypts once its key is enabled. */
export async function outlive(life: Life): Promise<void> {
  await enableAll(life);
  for (const index of life.sealed.keys()) await open(life, index);
}

/** Expects a call to succeed if the model says so, and KEY_DISABLED otherwise. */
async function judged<T>(
  isAllowed: boolean,
  operation: string,
  call: Promise<T>,
): Promise<T | undefined> {
  if (isAllowed) return call;
  await expectError(call, 'KEY_DISABLED', { operation });
  return undefined;
}

async function encrypt({ context, keyIds, enabled, sealed }: Life, key: number): Promise<void> {
  const { provider, secret } = context;
  const keyId = keyIds[key] as string;
  const plaintext = secret();
  const call = provider.encrypt({ keyId, plaintext });
  const made = await judged(enabled[key] === true, 'encrypt', call);
  if (made !== undefined) sealed.push({ key, plaintext, ciphertext: made.ciphertext });
}

async function open({ context, keyIds, enabled, sealed }: Life, index: number): Promise<void> {
  const { key, plaintext, ciphertext } = sealed[index] as Sealed;
  const keyId = keyIds[key] as string;
  const call = context.provider.decrypt({ keyId, ciphertext });
  const opened = await judged(enabled[key] === true, 'decrypt', call);
  if (opened === undefined) return;
  expectKeyArn(opened.keyId, keyId);
  expectBytes(opened.plaintext, plaintext, 'the plaintext from before');
}

async function move(life: Life, index: number, to: number): Promise<void> {
  const { context, keyIds, enabled, sealed } = life;
  const { key, plaintext, ciphertext } = sealed[index] as Sealed;
  const source = { keyId: keyIds[key] as string };
  const destination = { keyId: keyIds[to] as string };
  const isAllowed = enabled[key] === true && enabled[to] === true;
  const call = context.provider.reEncrypt({ ciphertext, source, destination });
  const moved = await judged(isAllowed, 'reEncrypt', call);
  if (moved !== undefined) sealed.push({ key: to, plaintext, ciphertext: moved.ciphertext });
}

/** AWS KMS does not rotate a disabled key, and rotates a key on demand at most ten times. */
async function rotate({ context, keyIds, enabled, rotations }: Life, key: number): Promise<void> {
  const count = rotations[key] ?? 0;
  if (!enabled[key] || count >= 8) return;
  await context.keys.rotate(keyIds[key] as string);
  rotations[key] = count + 1;
}

/** Makes a random command; one that needs a ciphertext does nothing until there is one. */
export function commands({ rotates }: { readonly rotates: boolean }): fc.Arbitrary<Command> {
  const key = fc.nat({ max: 1 });
  // The newest ones, so that a ciphertext is tried again in another state of its key.
  const any = fc.nat({ max: 3 });
  const pick = ({ sealed }: Life, number: number) => Math.max(0, sealed.length - 1 - number);
  const command = (name: string, run: Command['run']): Command => ({ run, toString: () => name });
  const state = (name: 'enable' | 'disable', which: number) =>
    command(`${name} ${which}`, (life) => turn(life, which, name === 'enable'));
  return fc.oneof(
    key.map((which) => command(`encrypt ${which}`, (life) => encrypt(life, which))),
    any.map((number) =>
      command(`decrypt ${number}`, async (life) => {
        if (life.sealed.length > 0) await open(life, pick(life, number));
      }),
    ),
    fc.tuple(any, key).map(([number, to]) =>
      command(`reEncrypt ${number} to ${to}`, async (life) => {
        if (life.sealed.length > 0) await move(life, pick(life, number), to);
      }),
    ),
    key.map((which) => state('disable', which)),
    key.map((which) => state('enable', which)),
    ...(rotates
      ? [key.map((which) => command(`rotate ${which}`, (life) => rotate(life, which)))]
      : []),
  );
}
