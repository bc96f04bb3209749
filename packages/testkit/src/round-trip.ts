import type {
  DecryptAsymmetricInput,
  DecryptInput,
  DecryptResult,
  EncryptInput,
  EncryptionAlgorithm,
  EncryptionContext,
  KeyWrapProvider,
} from '@keywrap/core';
import { expectBytes } from './expect.js';
import type { CallContext, Kind } from './key-use.js';

/** A key in an input. */
export interface NamedKey {
  readonly keyId: string;
  readonly algorithm?: EncryptionAlgorithm;
  readonly encryptionContext?: EncryptionContext | undefined;
}

/** A ciphertext, with the input that decrypts it. */
export interface Sealed extends NamedKey {
  readonly ciphertext: Uint8Array;
}

/** A ciphertext, with the input that decrypts it and its plaintext. */
export interface Known extends Sealed {
  readonly plaintext: Uint8Array;
}

/** Returns a shared key of a kind, with its algorithm; each `index` is another key. */
export async function keyOf({ keys }: Pick<CallContext, 'keys'>, kind: Kind, index = 0) {
  return keyOfKind({ keys }, kind, await keys.get(kind, index));
}

/** Returns a key of a kind with its algorithm. */
export function keyOfKind({ keys }: Pick<CallContext, 'keys'>, kind: Kind, keyId: string) {
  const algorithm = kind === 'RSA_2048' ? keys.rsaAlgorithm : ('SYMMETRIC_DEFAULT' as const);
  return { keyId, algorithm };
}

/** Encrypts a secret with the shared symmetric key, or the given plaintext with the given key. */
export async function seal<Given extends Partial<NamedKey & { plaintext: Uint8Array }>>(
  { provider, keys, secret }: CallContext,
  given: Given = {} as Given,
): Promise<Known & Given> {
  const { keyId = await keys.get(), plaintext = secret() } = given;
  const input = { ...given, keyId, plaintext };
  const { ciphertext } = await provider.encrypt(input as EncryptInput);
  return { ...input, ciphertext };
}

/** Decrypts, with the operation of the algorithm. */
export function open(
  provider: KeyWrapProvider,
  { plaintext: _, ...input }: Omit<Sealed, 'keyId'> & Partial<Known>,
): Promise<DecryptResult> {
  return input.algorithm?.startsWith('RSA')
    ? provider.decryptAsymmetric(input as DecryptAsymmetricInput)
    : provider.decrypt(input as DecryptInput);
}

/** Fails the case unless a ciphertext decrypts to its plaintext. */
export async function expectOpens(
  provider: KeyWrapProvider,
  sealed: Omit<Known, 'keyId'> & Partial<Known>,
  what = 'the decrypted plaintext',
): Promise<DecryptResult> {
  const result = await open(provider, sealed);
  expectBytes(result.plaintext, sealed.plaintext, what);
  return result;
}

/** Encrypts like {@link seal}, and fails the case unless the ciphertext decrypts to the plaintext. */
export async function roundTrip(
  context: CallContext,
  given: Partial<NamedKey & { plaintext: Uint8Array }> = {},
): Promise<void> {
  const sealed = await seal(context, given);
  await expectOpens(context.provider, sealed, `a plaintext of ${sealed.plaintext.length} bytes`);
}
