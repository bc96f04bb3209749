import type { CallOptions, EncryptionContext, KeyWrapProvider } from '@keywrap/core';
import type { CaseContext } from './case.js';
import { flip } from './damage.js';
import { errorOf } from './expect.js';
import type { SealedKey } from './key-ring.js';
import { type Fields, invoke, type KeyUse, type UsedKey } from './key-use.js';
import { keyFor, openingUses } from './operations.js';
import { keyOf, seal } from './round-trip.js';

/** A call that fails, and what its error must not show. */
export interface Failing {
  readonly input: Fields;
  readonly secrets: readonly Uint8Array[];
  readonly provider?: KeyWrapProvider;
  readonly abort?: 'before' | 'during' | 'later' | undefined;
}

/** Makes such a call for one reason, with other secrets each time. */
export type Reason = () => Promise<Failing>;

/** What is in the calls: the length of the plaintext, and a context to bind to. */
interface Given {
  readonly length?: number;
  readonly encryptionContext?: EncryptionContext | undefined;
}

/** Makes calls of one use that fail for different reasons; some uses have not all of them. */
export async function reasonsFor(
  use: KeyUse,
  context: CaseContext,
  { length = 32, encryptionContext }: Given = {},
): Promise<Reason[]> {
  const { provider, keys } = context;
  const { kind } = use;
  const hasContext = kind === 'SYMMETRIC_DEFAULT' && provider.capabilities.encryptionContext;
  const bound = hasContext && encryptionContext !== undefined ? { encryptionContext } : {};
  const key = { ...(await keyOf(context, kind)), ...bound };
  const isOpening = openingUses.includes(use);
  const isNamed = use.keyIdField !== undefined;
  /** @param other The other side of `reEncrypt`. */
  const change =
    (
      changeOf: (sealed: SealedKey) => Promise<Partial<UsedKey>> | Partial<UsedKey>,
      other?: UsedKey,
    ): Reason =>
    async () => {
      const plaintext = context.secret(length);
      const sealed = isOpening
        ? await seal(context, { ...key, plaintext })
        : { ...(await keyFor(use, keys)), ...bound, plaintext };
      const given = { ...sealed, ...(await changeOf(sealed)) };
      // The beginning of a ciphertext may be public: it names the key.
      const ciphertexts = isOpening ? [given.ciphertext.slice(-24)] : [];
      // Of a long plaintext, the first bytes are enough.
      const secrets = [given.plaintext.slice(0, 64), ...ciphertexts];
      return { input: await use.input(context, given, other), secrets };
    };
  const unchanged = change(() => ({}));
  const reasons: Reason[] = [
    async () => ({ ...(await unchanged()), abort: 'before' }),
    async () => ({ ...(await unchanged()), abort: 'during' }),
    async () => ({ ...(await unchanged()), abort: 'later' }),
    async () => ({ ...(await unchanged()), provider: await context.closed() }),
  ];
  if (isNamed) reasons.push(change(() => ({ keyId: 'alias/keywrap-no-such-alias' })));
  if (isNamed && isOpening) reasons.push(change(async () => ({ keyId: await keys.get(kind, 1) })));
  if (use.operation === 'encrypt')
    reasons.push(change(() => ({ plaintext: context.secret(4097) })));
  if (isOpening) {
    reasons.push(
      change(({ ciphertext }) => ({ ciphertext: flip(ciphertext) })),
      change(({ ciphertext }) => ({ ciphertext: ciphertext.slice(-12) })),
      change(() => ({ ciphertext: context.secret(60) })),
    );
    if (hasContext) reasons.push(change(() => ({ encryptionContext: { tenant: 'another' } })));
  }
  if (use.operation === 'reEncrypt') {
    // Its other half fails.
    const source = await keys.sealed(kind);
    const other = isOpening
      ? { keyId: 'alias/keywrap-no-such-alias' }
      : { ...source, ciphertext: flip(source.ciphertext) };
    reasons.push(change(() => ({}), other));
  }
  if (keys.can('disable')) reasons.push(change(() => keys.unusable(kind, 'Disabled')));
  if (keys.can('scheduleDeletion')) {
    reasons.push(change(() => keys.unusable(kind, 'PendingDeletion')));
  }
  if (keys.can('deny') && (await keys.denies('use', kind))) {
    const denied = () =>
      keys.once(`denied ${kind}`, async () => {
        const sealed = await seal(context, { ...key, keyId: await keys.create(kind) });
        await keys.deny(sealed.keyId, 'use');
        return sealed;
      });
    reasons.push(change(denied));
  }
  return reasons;
}

/**
 * Makes such a call, and aborts it if that is the reason. Returns its error, if it has one: it may have ended before the
 * abort.
 */
export async function fail(
  use: KeyUse,
  context: Pick<CaseContext, 'provider'>,
  { input, provider = context.provider, abort }: Failing,
  options: CallOptions = {},
): Promise<unknown> {
  const controller = new AbortController();
  if (abort === 'before') controller.abort();
  const signal = abort === undefined ? (options.signal ?? controller.signal) : controller.signal;
  const call = invoke(provider, use, input, { ...options, signal });
  if (abort === 'later') for (let turn = 0; turn < 3; turn++) await undefined;
  if (abort !== undefined) controller.abort();
  return errorOf(call);
}
