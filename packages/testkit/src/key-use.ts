import type { CallOptions, EncryptionContext, KeyWrapProvider } from '@keywrap/core';
import type { CaseContext } from './case.js';
import type { Need } from './needs.js';

/** What a call needs of the context; another provider than the case's may be put in. */
export type CallContext = Pick<CaseContext, 'provider' | 'keys' | 'secret'>;

/** The kinds of key that calls use. */
export type Kind = 'SYMMETRIC_DEFAULT' | 'RSA_2048';

/** The fields of an input. */
export type Fields = Readonly<Record<string, unknown>>;

/** What a result may hold; which of these there are depends on the operation. */
export type Result = Disposable &
  Readonly<
    Record<'keyId' | 'sourceKeyId' | 'destinationKeyId' | 'keyPairSpec', string> &
      Record<'plaintext' | 'ciphertext' | BytesOfPair, Uint8Array>
  >;
type BytesOfPair = 'publicKey' | 'privateKey' | 'privateKeyCiphertext';

/** A key and what a call does with it: opens the ciphertext, or seals the plaintext, under the context. */
export interface UsedKey {
  readonly keyId: string;
  readonly ciphertext?: Uint8Array;
  readonly plaintext?: Uint8Array;
  readonly encryptionContext?: EncryptionContext | undefined;
}

/** One way in which a call uses a key. Rules about calls hold for all of them, so their cases are made from this. */
export interface KeyUse {
  /** Stable: the number in the ids of the cases. */
  readonly number: string;
  readonly title: string;
  readonly operation: Exclude<keyof KeyWrapProvider & string, 'id' | 'capabilities' | 'close'>;
  /** The kind of key that it is for. */
  readonly kind: Kind;
  readonly needs: readonly Need[];
  /** The path of `keyId` in the input; `undefined` when the ciphertext names the key. */
  readonly keyIdField: 'keyId' | 'source.keyId' | 'destination.keyId' | undefined;
  /** The bytes in the result. */
  readonly gives: readonly (keyof Result & string)[];
  /** The input that uses the key, with `other` on the other side of `reEncrypt`. */
  input(context: CallContext, key: UsedKey, other?: UsedKey): Promise<Fields>;
  /** Uses the key, and gives the ARN that the result names it by. */
  call(context: CallContext, key: UsedKey, options?: CallOptions): Promise<string>;
}

/** Calls an operation, at once, with whatever is given as its input. */
export function invoke(
  provider: KeyWrapProvider,
  { operation }: Pick<KeyUse, 'operation'>,
  input: unknown,
  options?: unknown,
): Promise<Result> {
  const method = provider[operation] as (input: unknown, options?: unknown) => Promise<unknown>;
  return method.call(provider, input, options) as Promise<Result>;
}

/** The ARN by which a result names the key that a call used. */
export function arnIn(
  result: Result,
  { operation, keyIdField }: Pick<KeyUse, 'operation' | 'keyIdField'>,
): string {
  if (operation !== 'reEncrypt') return result.keyId;
  return keyIdField === 'destination.keyId' ? result.destinationKeyId : result.sourceKeyId;
}

/** The ciphertext in a result. */
export function sealedIn({ ciphertext, privateKeyCiphertext }: Result): Uint8Array {
  return privateKeyCiphertext ?? ciphertext;
}
