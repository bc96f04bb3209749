import {
  createProvider,
  type KeyWrapDriver,
  type KeyWrapProvider,
  type Layer,
  withLayer,
} from '@keywrap/core';
import type { ConformanceKeys, ConformanceSubject } from '@keywrap/testkit';
import { Client } from './right/client.js';
import { type Failure, Hsm } from './right/hsm.js';
import { type PairSource, pairSource } from './right/pairs.js';

export type BlindKind =
  | 'nonces'
  | 'data keys'
  | 'key pairs'
  | 'names and state'
  | 'contexts'
  | 'content'
  | 'rsa'
  | 'concurrency'
  | 'rare faults'
  | 'leaks'
  | 'memory'
  | 'changes'
  | 'resources'
  | 'outages'
  | 'caches'
  | 'calls in a row'
  | 'aborts'
  | 'close'
  | 'inputs'
  | 'results';

/** The functions of an administrator, all of them. */
export interface BlindKeys extends ConformanceKeys {
  alias(alias: string, keyArn: string): Promise<unknown>;
  disable(keyArn: string): Promise<unknown>;
  enable(keyArn: string): Promise<unknown>;
  scheduleDeletion(keyArn: string): Promise<unknown>;
  rotate(keyArn: string): Promise<unknown>;
  moveAlias(alias: string, keyArn: string): Promise<unknown>;
  destroy(keyArn: string): Promise<unknown>;
  removeOldVersions(keyArn: string): Promise<unknown>;
  deleteSoftly(keyArn: string): Promise<unknown>;
  createForeign(): Promise<{ readonly keyId: string }>;
  deny(keyArn: string, right: 'use' | 'describe'): Promise<unknown>;
}

/** A subject with every hook. */
export interface BlindSubject extends ConformanceSubject {
  readonly keys: BlindKeys;
  reopen(): Promise<KeyWrapProvider>;
  fail(kind: Failure | undefined): Promise<void>;
}

export type Open = () => BlindSubject;

/** What is told of a wrong provider. */
export interface Defect {
  readonly name: string;
  readonly kind: BlindKind;
  /** What is wrong, in one sentence. */
  readonly wrong: string;
  /** Where it happened. */
  readonly source: string;
  /** The rule of the contract that it breaks. */
  readonly rule?: string;
  /** The cheapest profile that could reasonably find it. */
  readonly profile: 'quick' | 'full' | 'soak';
  /** For one that hangs: no time-out needs to be long. */
  readonly hangs?: true;
}

/** The part that differs from the right provider. */
export interface Parts {
  readonly hsm?: (pairs: PairSource) => Hsm;
  readonly client?: (hsm: Hsm) => KeyWrapDriver;
  readonly layer?: Layer;
  /** Methods of a provider that is not made from a driver, over one that is. */
  readonly bare?: (inner: KeyWrapProvider) => Partial<KeyWrapProvider>;
  readonly cache?: ConformanceSubject['cache'];
}

/** A provider that is wrong in one way, by somebody who knows the contract and not the suite. */
export interface BlindMutant extends Defect {
  readonly set: 'a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g';
  readonly why: string;
  readonly open: Open;
  /** Shows, without the suite, whether a provider has this defect. */
  readonly shows: (open: Open) => Promise<boolean>;
  /** Resolves when it has shown that the mutant is wrong; rejects if it did not. */
  witness(): Promise<void>;
}

/** Makes the definition of a set's mutants. */
export function blindSet(set: BlindMutant['set']) {
  return (defect: Defect, parts: Parts, shows: (open: Open) => Promise<boolean>): BlindMutant => {
    const open = opener(parts);
    return {
      ...defect,
      set,
      why: `${defect.wrong} (${defect.source})`,
      open,
      shows,
      async witness() {
        if (!(await shows(open))) throw new Error(`${defect.name} was not shown to be wrong`);
      },
    };
  };
}

/** Opens the same subject without a defect, with a new HSM each time. */
export function opener(parts: Parts = {}): Open {
  const pairs = pairSource();
  const openOver = (hsm: Hsm): KeyWrapProvider => {
    const provider = createProvider(parts.client?.(hsm) ?? new Client(hsm));
    if (parts.bare !== undefined) return bareProvider(provider, parts.bare(provider));
    return parts.layer === undefined ? provider : withLayer(provider, parts.layer);
  };
  return () => {
    const hsm = parts.hsm?.(pairs) ?? new Hsm(pairs);
    return {
      provider: openOver(hsm),
      keys: {
        create: (request) => hsm.create(request),
        alias: (alias, arn) => hsm.alias(alias, arn),
        disable: (arn) => hsm.disable(arn),
        enable: (arn) => hsm.enable(arn),
        scheduleDeletion: (arn) => hsm.scheduleDeletion(arn),
        rotate: (arn) => hsm.rotate(arn),
        moveAlias: (alias, arn) => hsm.moveAlias(alias, arn),
        destroy: (arn) => hsm.destroy(arn),
        removeOldVersions: (arn) => hsm.removeOldVersions(arn),
        deleteSoftly: (arn) => hsm.deleteSoftly(arn),
        createForeign: () => hsm.createForeign(),
        deny: (arn, right) => hsm.deny(arn, right),
      },
      ...(parts.cache !== undefined && { cache: parts.cache }),
      reopen: async () => openOver(hsm),
      async fail(kind) {
        hsm.failure = kind;
      },
    };
  };
}

/** A provider that implements the interface alone. */
function bareProvider(inner: KeyWrapProvider, methods: Partial<KeyWrapProvider>): KeyWrapProvider {
  const { id, capabilities } = inner;
  return {
    id,
    capabilities,
    encrypt: (input, options) => inner.encrypt(input, options),
    decrypt: (input, options) => inner.decrypt(input, options),
    decryptAsymmetric: (input, options) => inner.decryptAsymmetric(input, options),
    reEncrypt: (input, options) => inner.reEncrypt(input, options),
    generateDataKey: (input, options) => inner.generateDataKey(input, options),
    generateDataKeyWithoutPlaintext: (input, options) =>
      inner.generateDataKeyWithoutPlaintext(input, options),
    generateDataKeyPair: (input, options) => inner.generateDataKeyPair(input, options),
    generateDataKeyPairWithoutPlaintext: (input, options) =>
      inner.generateDataKeyPairWithoutPlaintext(input, options),
    getPublicKey: (input, options) => inner.getPublicKey(input, options),
    describeKey: (input, options) => inner.describeKey(input, options),
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner.close(),
    ...methods,
  };
}
