import {
  type EncryptionAlgorithm,
  type EncryptionContext,
  formatAliasArn,
  type KeyWrapErrorCode,
  type KeyWrapProvider,
  limitOf,
  maximumPlaintextLength,
  parseKeyId,
} from '@keywrap/core';
import { latin1Of } from '../bytes.js';
import type { CaseContext } from '../case.js';
import { check, expectBytes, expectError, expectField, wrongKeyCode } from '../expect.js';
import { bareId, invoke, type KeyUse, type Kind } from '../key-use.js';
import { expectUniqueNonces, type Sample } from '../nonce-statistics.js';
import { mayWorkAlone } from '../outage.js';
import { contextsWithin } from './contexts.js';
import { Dice } from './dice.js';
import type { Lent } from './lent.js';

/** The states that a key may have here, and what its use is rejected with. */
const FORBIDDEN = {
  Enabled: undefined,
  Disabled: 'KEY_DISABLED',
  PendingDeletion: 'KEY_STATE',
  Destroyed: 'KEY_NOT_FOUND',
} as const satisfies Record<string, KeyWrapErrorCode | undefined>;

/** A key of the provider, and what the model knows of it. */
export interface WorldKey {
  readonly kind: Kind;
  readonly keyId: string;
  readonly algorithm: EncryptionAlgorithm;
  state: keyof typeof FORBIDDEN;
  /** How often it was rotated. */
  epoch: number;
  /** What results called the versions, by epoch. */
  readonly versions: Map<number, string>;
  /** The public keys, by epoch. */
  readonly publicKeys: Map<number, Uint8Array>;
  /** Some of what it encrypted, by epoch. */
  readonly samples: Map<number, Sample[]>;
}

/** A ciphertext that a call made, and what the model knows of it. */
export interface Made {
  readonly key: WorldKey;
  readonly epoch: number;
  readonly encryptionContext: EncryptionContext | undefined;
  readonly ciphertext: Uint8Array;
  readonly content: Content;
}

/** What was encrypted; what `reEncrypt` makes has the same. */
export interface Content {
  readonly length: number;
  /** Unknown for a data key without its plaintext, until it is decrypted. */
  plaintext: Uint8Array | undefined;
}

/** The fields of any result. */
export type AnyResult = Disposable & Readonly<Record<string, unknown>>;

/** How much is kept: of ciphertexts, of results, of samples for each version of a key. */
const [MOST_MADE, MOST_KEPT, MOST_SAMPLES] = [160, 64, 60];

/** How many deleted keys are still tried, and how many there are in all: a provider does not forget them. */
const [RETIRED_AT_ONCE, MOST_RETIRED] = [2, 6];

/** A provider with keys in any state, and a model of them that says what the result of each call must be. */
export class World {
  readonly dice: Dice;
  readonly context: CaseContext;
  /** Instances over the same keys. */
  readonly providers: KeyWrapProvider[];
  readonly keys: WorldKey[] = [];
  readonly aliases = new Map<string, WorldKey>();
  readonly made: Made[] = [];
  readonly contexts: readonly EncryptionContext[];
  calls = 0;
  /** What every call is rejected with during an outage. */
  outage: KeyWrapErrorCode | undefined;
  #retired = 0;
  readonly #ciphertexts = new Set<string>();
  readonly #drawn = new Set<string>();
  readonly #kept: {
    readonly what: string;
    readonly bytes: Uint8Array;
    readonly copy: Uint8Array;
  }[] = [];

  readonly #lent: Lent<unknown>[] = [];

  constructor(context: CaseContext, providers: readonly KeyWrapProvider[]) {
    const { capabilities } = context.provider;
    this.context = context;
    this.providers = [...providers];
    this.dice = new Dice(context.seed);
    this.contexts = capabilities.encryptionContext
      ? contextsWithin(limitOf(capabilities, 'encryptionContext'))
      : [];
  }

  get capabilities() {
    return this.context.provider.capabilities;
  }

  async addKey(kind: Kind): Promise<WorldKey> {
    const { keys } = this.context;
    const key: WorldKey = {
      kind,
      keyId: await keys.create(kind),
      algorithm: kind === 'RSA_2048' ? keys.rsaAlgorithm : 'SYMMETRIC_DEFAULT',
      state: 'Enabled',
      epoch: 0,
      versions: new Map(),
      publicKeys: new Map(),
      samples: new Map(),
    };
    this.keys.push(key);
    return key;
  }

  /** Returns true if one more key may be deleted; it is tried in the place of one that was deleted before. */
  mayRetire(): boolean {
    if (this.#retired >= MOST_RETIRED) return false;
    this.#retired++;
    const gone = this.keys.filter(
      ({ state }) => state === 'PendingDeletion' || state === 'Destroyed',
    );
    if (gone.length >= RETIRED_AT_ONCE) this.keys.splice(this.keys.indexOf(gone[0] as WorldKey), 1);
    return true;
  }

  /** Returns one of the names of a key. */
  nameOf(key: WorldKey): string {
    const { keyId } = key;
    const aliases = [...this.aliases].filter(([, target]) => target === key);
    if (key.state === 'Destroyed' || aliases.length === 0 || this.dice.once(2)) {
      return this.dice.once(3) ? bareId(keyId) : keyId;
    }
    const [alias] = this.dice.pick(aliases);
    const parsed = parseKeyId(keyId);
    return parsed.kind === 'key-arn' && this.dice.once(3) ? formatAliasArn(alias, parsed) : alias;
  }

  /** Returns the fields that name a key under a name. */
  target({ kind, algorithm }: WorldKey, keyId: string | undefined) {
    return {
      ...(keyId !== undefined && { keyId }),
      ...((kind === 'RSA_2048' || this.dice.once(4)) && { algorithm }),
    };
  }

  /** Returns a context to encrypt with; `undefined` is the empty one. */
  pickContext({ kind }: WorldKey): EncryptionContext | undefined {
    if (kind === 'RSA_2048' || this.contexts.length === 0 || this.dice.once(3)) return undefined;
    return this.dice.pick(this.contexts);
  }

  longest({ kind, algorithm }: WorldKey): number {
    return kind === 'RSA_2048'
      ? maximumPlaintextLength(algorithm, kind)
      : limitOf(this.capabilities, 'plaintext');
  }

  /** What each use of a key is rejected with now. */
  forbids({ state }: WorldKey): KeyWrapErrorCode[] {
    const code = FORBIDDEN[state];
    return code === undefined ? [] : [code];
  }

  /** What decrypting is rejected with now, if anything; `named` is undefined if the ciphertext names the key. */
  forbidsOpening({ key }: Made, named: WorldKey | undefined): KeyWrapErrorCode[] {
    if (named === undefined) {
      return key.state === 'Destroyed' ? ['ACCESS_DENIED'] : this.forbids(key);
    }
    if (named === key) return this.forbids(key);
    const wrong =
      key.kind === 'RSA_2048' ? 'INVALID_CIPHERTEXT' : wrongKeyCode(this.context.provider);
    // It is not documented which comes first.
    const ofMaker = key.state === 'Destroyed' ? [] : this.forbids(key);
    return [...this.forbids(named), wrong, ...ofMaker];
  }

  /**
   * Makes a call, aborted now and then: it must be rejected with one of the codes if there are any, and succeed otherwise.
   *
   * @returns `undefined` if it was rejected.
   */
  async call(
    operation: KeyUse['operation'],
    input: object,
    codes: readonly KeyWrapErrorCode[],
    lent: readonly Lent<unknown>[] = [],
  ): Promise<AnyResult | undefined> {
    const { dice, outage } = this;
    this.calls++;
    const controller = new AbortController();
    const abort = dice.once(12) ? dice.pick(['before', 'at once', 'later'] as const) : 'never';
    const { signal } = controller;
    const options = {
      ...((abort !== 'never' || dice.once(3)) && { signal }),
      ...(operation === 'generateDataKey' && dice.once(3) && { bytesToEncrypt: dice.below(1000) }),
    };
    const isOmitted = Object.keys(options).length === 0 && dice.once(2);
    if (abort === 'before') controller.abort();
    const call = invoke(
      dice.pick(this.providers),
      { operation },
      input,
      isOmitted ? undefined : options,
    );
    for (const each of lent) each.returned();
    if (abort === 'at once') controller.abort();
    if (abort === 'later') void afterTurns(dice.below(8)).then(() => controller.abort());
    try {
      if (outage && codes.length === 0 && abort === 'never' && mayWorkAlone(operation, input)) {
        const [outcome] = await Promise.allSettled([call]);
        if (outcome.status === 'fulfilled') return outcome.value as AnyResult;
      }
      return await expectOutcome(call, operation, outage ? [outage, ...codes] : codes, abort);
    } finally {
      for (const each of lent) each.settled();
      this.#keep(this.#lent, lent);
    }
  }

  /** Remembers a new ciphertext, which must be unlike all others. */
  addMade(
    key: WorldKey,
    ciphertext: Uint8Array,
    { encryptionContext, content }: Pick<Made, 'encryptionContext' | 'content'>,
  ): void {
    expectNew(this.#ciphertexts, latin1Of(ciphertext.subarray(-512)), 'ciphertext');
    check(
      ciphertext.length <= limitOf(this.capabilities, 'ciphertext'),
      'a ciphertext within the limit',
      `${ciphertext.length} bytes`,
    );
    const copy = ciphertext.slice();
    const made = { key, epoch: key.epoch, encryptionContext, content, ciphertext: copy };
    if (this.made.length < MOST_MADE) this.made.push(made);
    else this.made[this.dice.below(MOST_MADE)] = made;
    const samples = key.samples.get(key.epoch) ?? [];
    key.samples.set(key.epoch, samples);
    const { plaintext, length } = content;
    if (plaintext === undefined || key.kind === 'RSA_2048' || samples.length >= MOST_SAMPLES)
      return;
    if (length >= 16 && length <= 256) samples.push({ plaintext, ciphertext: copy });
  }

  /** Fails the case if a part of a new data key was in an earlier one. */
  expectFresh(dataKey: Uint8Array): void {
    for (let start = 0; start + 16 <= dataKey.length; start += 16) {
      expectNew(this.#drawn, latin1Of(dataKey.subarray(start, start + 16)), 'data key');
    }
  }

  /** Fails the case unless a result says the same of a key version as the others: it is optional. */
  expectVersion(key: WorldKey, epoch: number, version: unknown): void {
    if (version === undefined) return;
    const known = key.versions.get(epoch);
    if (known !== undefined) {
      expectField(version, known, `the version of the key after ${epoch} rotations:`);
      return;
    }
    const isNew = ![...key.versions.values()].includes(version as string);
    check(typeof version === 'string' && isNew, 'a key version of its own', `${String(version)}`);
    key.versions.set(epoch, version);
  }

  /**
   * Does with a result what callers do: they keep it, overwrite its bytes, or dispose of it. What is kept must not
   * change.
   */
  handOver(result: AnyResult, names: readonly string[]): void {
    const { dice } = this;
    for (const what of names) {
      const bytes = result[what] as Uint8Array;
      if (dice.once(3)) {
        this.#keep(this.#kept, [{ what, bytes, copy: bytes.slice() }]);
      } else if (dice.once(2)) bytes.fill(0x5a);
    }
    const isKept = this.#kept.some(({ bytes }) => names.some((name) => result[name] === bytes));
    if (!isKept && Symbol.dispose in result && dice.once(2)) result[Symbol.dispose]();
  }

  #keep<T>(all: T[], more: readonly T[]): void {
    for (const each of more) {
      if (all.length < MOST_KEPT) all.push(each);
      else all[this.dice.below(MOST_KEPT)] = each;
    }
  }

  /** Fails the case if a result that the caller kept has changed, or input. */
  expectKept(): void {
    for (const each of this.#lent) each.settled();
    for (const { what, bytes, copy } of this.#kept) {
      expectBytes(bytes, copy, `the ${what} in a result that was kept`);
    }
  }

  /** Fails the case if a nonce was used twice. */
  expectNonces(): void {
    for (const { samples } of this.keys)
      for (const each of samples.values()) expectUniqueNonces(each);
  }
}

async function expectOutcome(
  call: Promise<unknown>,
  operation: string,
  codes: readonly KeyWrapErrorCode[],
  abort: 'before' | 'at once' | 'later' | 'never',
): Promise<AnyResult | undefined> {
  const isAborted = abort === 'before' || abort === 'at once';
  if (codes.length > 0 || isAborted) {
    const all = abort === 'never' ? codes : [...codes, 'ABORTED' as const];
    await expectError(call, all, { operation });
    return undefined;
  }
  if (abort === 'never') return (await call) as AnyResult;
  // It may have ended before.
  return call.then(
    (result) => result as AnyResult,
    async (error: unknown) => {
      await expectError(Promise.reject(error), 'ABORTED', { operation });
      return undefined;
    },
  );
}

function expectNew(seen: Set<string>, text: string, what: string): void {
  check(!seen.has(text), `a new ${what}`, `a ${what} that was there before`);
  seen.add(text);
}

async function afterTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await undefined;
}
