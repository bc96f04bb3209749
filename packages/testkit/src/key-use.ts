import type { CallOptions, EncryptionContext, KeyWrapProvider } from '@keywrap/core';
import type { CaseContext } from './case.js';
import type { Need } from './needs.js';

/** The part of the context that a call needs; the provider may be another than the case's. */
export type CallContext = Pick<CaseContext, 'provider' | 'keys' | 'secret'>;

/** The kinds of key that calls use. */
export type Kind = 'SYMMETRIC_DEFAULT' | 'RSA_2048';

/** The fields of an input. */
export type Fields = Readonly<Record<string, unknown>>;

/** The fields of results; each operation returns some of them. */
export type Result = Disposable &
  Readonly<
    Record<'keyId' | 'sourceKeyId' | 'destinationKeyId' | 'keyPairSpec', string> &
      Record<'plaintext' | 'ciphertext' | BytesOfPair, Uint8Array>
  >;
type BytesOfPair = 'publicKey' | 'privateKey' | 'privateKeyCiphertext';

/** A key, with the ciphertext to decrypt or the plaintext to encrypt, and the context. */
export interface UsedKey {
  readonly keyId: string;
  readonly ciphertext?: Uint8Array;
  readonly plaintext?: Uint8Array;
  readonly encryptionContext?: EncryptionContext | undefined;
}

/** One way in which a call uses a key. Rules about calls apply to all of these, so their cases are made from them. */
export interface KeyUse {
  /** The stable number in the ids of the cases. */
  readonly number: string;
  readonly title: string;
  readonly operation: Exclude<keyof KeyWrapProvider & string, 'id' | 'capabilities' | 'close'>;
  /** The kind of key that it uses. */
  readonly kind: Kind;
  readonly needs: readonly Need[];
  /** The path of `keyId` in the input; `undefined` when the ciphertext identifies the key. */
  readonly keyIdField: 'keyId' | 'source.keyId' | 'destination.keyId' | undefined;
  /** The bytes in the result. */
  readonly returns: readonly (keyof Result & string)[];
  /** The input that uses the key, with `other` on the other side of `reEncrypt`. */
  input(context: CallContext, key: UsedKey, other?: UsedKey): Promise<Fields>;
  /** Uses the key, and returns the key ARN in the result. */
  call(context: CallContext, key: UsedKey, options?: CallOptions): Promise<string>;
}

/** Calls an operation synchronously, with any value as its input. */
export function invoke(
  provider: KeyWrapProvider,
  { operation }: Pick<KeyUse, 'operation'>,
  input: unknown,
  options?: unknown,
): Promise<Result> {
  const method = provider[operation] as (input: unknown, options?: unknown) => Promise<unknown>;
  return method.call(provider, input, options) as Promise<Result>;
}

/** Returns the ARN of the key that a call used, from its result. */
export function arnIn(
  result: Result,
  { operation, keyIdField }: Pick<KeyUse, 'operation' | 'keyIdField'>,
): string {
  if (operation !== 'reEncrypt') return result.keyId;
  return keyIdField === 'destination.keyId' ? result.destinationKeyId : result.sourceKeyId;
}

/** Returns the id at the end of a key ARN as it is there: with escapes, because the name itself may have blanks. */
export function bareId(keyArn: string): string {
  return keyArn.slice(keyArn.indexOf(':key/') + ':key/'.length);
}

/** Returns the ciphertext in a result. */
export function sealedIn({ ciphertext, privateKeyCiphertext }: Result): Uint8Array {
  return privateKeyCiphertext ?? ciphertext;
}
