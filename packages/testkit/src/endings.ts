import { type KeyWrapErrorCode, limitOf, maximumPlaintextLength } from '@keywrap/core';
import { flip } from './damage.js';
import { expectError } from './expect.js';
import type { SealedKey } from './key-ring.js';
import { type CallContext, type Fields, invoke, type KeyUse, type UsedKey } from './key-use.js';
import { damageCodes, describeUse, keyFor, openingUses } from './operations.js';

// The ways in which a call can end: what is cleaned up after one may be left after another.

/** One way. */
export interface Ending {
  readonly title: string;
  /**
   * Makes a call that ends so, and fails the case unless it does.
   *
   * @param signal Of the call, unless that is aborted.
   */
  make(signal?: AbortSignal): Promise<void>;
}

/** The name of no key. */
export const MISSING_ALIAS = 'alias/keywrap-no-such-alias';

/** An input, and what a call with it is rejected with; it succeeds without codes. */
interface Given {
  readonly title: string;
  readonly input: Fields;
  readonly codes?: readonly KeyWrapErrorCode[];
}

/** What the calls use in the place of the shared key, and what changes each input before it is given. */
interface Special {
  readonly key?: SealedKey & UsedKey;
  readonly vary?: (input: Fields) => Fields;
}

/** Returns every way in which a call with a use of a key can end, success first. */
export async function endingsOf(
  use: KeyUse,
  context: CallContext,
  { key, vary = (input) => input }: Special = {},
): Promise<readonly Ending[]> {
  const given = await inputsOf(use, context, key ?? (await keyFor(use, context.keys)));
  const [{ input }] = given as [Given, ...Given[]];
  const { operation } = use;
  const call = (each: Fields, signal?: AbortSignal) =>
    invoke(context.provider, use, vary(each), signal && { signal });
  /** @param turns After how many microtasks; before the call if there is no number. */
  const abort = async (turns?: number) => {
    const controller = new AbortController();
    if (turns === undefined) controller.abort();
    const aborted = call(input, controller.signal);
    for (let turn = 0; turn < (turns ?? 0); turn++) await undefined;
    controller.abort();
    const [{ status }] = await Promise.allSettled([aborted]);
    // It may have ended before.
    if (status === 'fulfilled' && turns !== undefined && turns > 0) return;
    await expectError(aborted, 'ABORTED', { operation });
  };
  return [
    ...given.map(({ title, input: each, codes }) => ({
      title,
      async make(signal?: AbortSignal) {
        if (codes === undefined) await call(each, signal);
        else await expectError(call(each, signal), codes, { operation });
      },
    })),
    { title: 'aborted before', make: () => abort() },
    { title: 'aborted at once', make: () => abort(0) },
    { title: 'aborted later', make: () => abort(3) },
  ];
}

async function inputsOf(
  use: KeyUse,
  context: CallContext,
  key: SealedKey & UsedKey,
): Promise<readonly Given[]> {
  const { provider, keys } = context;
  const { kind, keyIdField, operation } = use;
  const given: Given[] = [{ title: 'success', input: await use.input(context, key) }];
  const add = async (
    title: string,
    codes: readonly KeyWrapErrorCode[],
    ...parts: [Parameters<KeyUse['input']>[1], Parameters<KeyUse['input']>[2]?]
  ) => {
    given.push({ title, input: await use.input(context, ...parts), codes });
  };
  if (keyIdField !== undefined) {
    await add('no such key', ['KEY_NOT_FOUND'], { ...key, keyId: MISSING_ALIAS });
  }
  if (use !== describeUse && keys.can('disable')) {
    const disabled = await keys.unusable(kind, 'Disabled');
    await add('a disabled key', ['KEY_DISABLED'], { ...key, ...disabled });
  }
  if (openingUses.includes(use)) {
    const damaged = { ...key, ciphertext: flip(key.ciphertext) };
    await add('damage', damageCodes(use), damaged);
    if (provider.capabilities.encryptionContext && kind !== 'RSA_2048') {
      const other = { ...key, encryptionContext: { tenant: 'b' } };
      await add('another context', ['INVALID_CIPHERTEXT'], other);
    }
  }
  if (operation === 'reEncrypt') {
    // It fails in its other half.
    if (keyIdField === 'destination.keyId') {
      const source = await keys.sealed(kind);
      const damaged = { ...source, ciphertext: flip(source.ciphertext) };
      await add('a damaged source', ['INVALID_CIPHERTEXT'], key, damaged);
    } else await add('no such destination', ['KEY_NOT_FOUND'], key, { keyId: MISSING_ALIAS });
  }
  if (operation === 'encrypt') {
    const longest =
      kind === 'RSA_2048'
        ? maximumPlaintextLength(keys.rsaAlgorithm, kind)
        : limitOf(provider.capabilities, 'plaintext');
    const plaintext = context.secret(longest + 1);
    await add('too long', ['INVALID_INPUT'], { ...key, plaintext });
  }
  return given;
}
