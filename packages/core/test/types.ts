// Compiled with the tests and never run: what must compile, and what must not.
import type {
  DataKey,
  DataKeyPair,
  DecryptResult,
  EncryptionContext,
  EncryptResult,
  KeyManager,
  KeyWrapDriver,
  KeyWrapErrorCode,
  KeyWrapProvider,
  ProviderScheme,
} from '@keywrap/core';
import { KeyWrapError, reEncryptAcross, sealWithPublicKey, withTrustedKeys } from '@keywrap/core';
import { injectKeyWrap, KEY_WRAP_PROVIDER } from '@keywrap/core/inversify';
import type { Container } from 'inversify';

declare const keys: KeyWrapProvider;
declare const manager: KeyManager;
declare const bytes: Uint8Array;
declare const buffer: Buffer;
declare const container: Container;
const keyId = 'alias/orders';
const algorithm = 'RSAES_OAEP_SHA_256';
const encryptionContext = { orderId: '7' };
const { signal } = new AbortController();

export async function encrypts(): Promise<void> {
  const result: EncryptResult = await keys.encrypt({ keyId, plaintext: bytes });
  await keys.encrypt({ keyId, plaintext: buffer, encryptionContext }, { signal });
  await keys.encrypt({ keyId, plaintext: bytes, algorithm: 'SYMMETRIC_DEFAULT' });
  await keys.encrypt({ keyId, plaintext: bytes, algorithm }, { grantTokens: ['token'] });
  await keys.encrypt({ keyId, plaintext: bytes, encryptionContext: undefined }, undefined);

  // @ts-expect-error a key must be named
  await keys.encrypt({ plaintext: bytes });
  // @ts-expect-error there must be something to encrypt
  await keys.encrypt({ keyId });
  // @ts-expect-error text is not bytes: the caller must say how it is encoded
  await keys.encrypt({ keyId, plaintext: 'secret' });
  // @ts-expect-error an ArrayBuffer is not a Uint8Array
  await keys.encrypt({ keyId, plaintext: new ArrayBuffer(8) });
  // @ts-expect-error RSA can not bind to an encryption context
  await keys.encrypt({ keyId, plaintext: bytes, algorithm, encryptionContext });
  // @ts-expect-error there is no such algorithm
  await keys.encrypt({ keyId, plaintext: bytes, algorithm: 'RSAES_PKCS1_V1_5' });
  // @ts-expect-error a misspelt field must not encrypt without a context
  await keys.encrypt({ keyId, plaintext: bytes, encryptioncontext: encryptionContext });
  // @ts-expect-error a context holds strings only
  await keys.encrypt({ keyId, plaintext: bytes, encryptionContext: { orderId: 7 } });
  // @ts-expect-error a Map is not a context
  await keys.encrypt({ keyId, plaintext: bytes, encryptionContext: new Map([['a', 'b']]) });
  // @ts-expect-error the signal goes into an options object
  await keys.encrypt({ keyId, plaintext: bytes }, signal);
  // @ts-expect-error results are not to be changed
  result.ciphertext = bytes;
  // @ts-expect-error results are not to be changed
  result.keyId = keyId;
}

export async function decrypts(): Promise<void> {
  const result: DecryptResult = await keys.decrypt({ ciphertext: bytes });
  await keys.decrypt({ ciphertext: bytes, keyId, encryptionContext });
  await keys.decrypt({ ciphertext: bytes, keyId: undefined });
  await keys.decryptAsymmetric({ ciphertext: bytes, keyId, algorithm });
  await keys.decrypt(await keys.generateDataKeyWithoutPlaintext({ keyId, keySpec: 'AES_256' }));

  // @ts-expect-error an asymmetric ciphertext is for decryptAsymmetric
  await keys.decrypt({ ciphertext: bytes, keyId, algorithm });
  // @ts-expect-error an asymmetric algorithm must be named
  await keys.decryptAsymmetric({ ciphertext: bytes, keyId });
  // @ts-expect-error an asymmetric ciphertext does not identify its key
  await keys.decryptAsymmetric({ ciphertext: bytes, algorithm });
  // @ts-expect-error a symmetric ciphertext is for decrypt
  await keys.decryptAsymmetric({ ciphertext: bytes, keyId, algorithm: 'SYMMETRIC_DEFAULT' });
  // @ts-expect-error RSA can not be bound to an encryption context
  await keys.decryptAsymmetric({ ciphertext: bytes, keyId, algorithm, encryptionContext });
  // @ts-expect-error what is decrypted is called ciphertext
  await keys.decrypt({ plaintext: bytes, keyId });
  // @ts-expect-error the plaintext is not to be replaced
  result.plaintext = bytes;
  // @ts-expect-error results are not to be changed
  result.algorithm = algorithm;
  using disposable = result;
  disposable.plaintext.fill(1);
}

export async function reEncrypts(): Promise<void> {
  const symmetric = { keyId, encryptionContext };
  const asymmetric = { keyId, algorithm } as const;
  const ciphertext = bytes;
  await keys.reEncrypt({ ciphertext, destination: symmetric });
  await keys.reEncrypt({ ciphertext, source: undefined, destination: symmetric });
  await keys.reEncrypt({ ciphertext, source: { encryptionContext }, destination: asymmetric });
  await keys.reEncrypt({ ciphertext, source: asymmetric, destination: symmetric });
  await keys.reEncrypt({ ciphertext, source: asymmetric, destination: asymmetric });

  // @ts-expect-error it must go somewhere
  await keys.reEncrypt({ ciphertext, source: symmetric });
  // @ts-expect-error a destination must name its key
  await keys.reEncrypt({ ciphertext, destination: { encryptionContext } });
  // @ts-expect-error an asymmetric source must name its key
  await keys.reEncrypt({ ciphertext, source: { algorithm }, destination: symmetric });
  // @ts-expect-error an asymmetric destination has no context
  await keys.reEncrypt({ ciphertext, destination: { ...asymmetric, encryptionContext } });
  const bound = { ...asymmetric, encryptionContext };
  // @ts-expect-error an asymmetric source has no context
  await keys.reEncrypt({ ciphertext, source: bound, destination: symmetric });
  // @ts-expect-error a side is an object, and not the name of a key
  await keys.reEncrypt({ ciphertext, source: keyId, destination: symmetric });
  const result = await keys.reEncrypt({ ciphertext, destination: symmetric });
  // @ts-expect-error the plaintext never reaches the caller
  result.plaintext.fill(0);
}

export async function generatesDataKeys(): Promise<void> {
  const key: DataKey = await keys.generateDataKey({ keyId, keySpec: 'AES_256' });
  await keys.generateDataKey({ keyId, numberOfBytes: 64, encryptionContext });
  const wrapped = await keys.generateDataKeyWithoutPlaintext({ keyId, numberOfBytes: 64 });
  const pair: DataKeyPair = await keys.generateDataKeyPair({ keyId, keyPairSpec: 'RSA_2048' });
  const wrappedPair = await keys.generateDataKeyPairWithoutPlaintext({
    keyId,
    keyPairSpec: 'ECC_NIST_P256',
  });

  // @ts-expect-error a length must be said, in one way
  await keys.generateDataKey({ keyId });
  // @ts-expect-error a length must be said, in one way only
  await keys.generateDataKey({ keyId, keySpec: 'AES_256', numberOfBytes: 32 });
  // @ts-expect-error AES_192 is none of the standard data keys
  await keys.generateDataKey({ keyId, keySpec: 'AES_192' });
  // @ts-expect-error data keys are wrapped under a symmetric key, so there is no choice
  await keys.generateDataKey({ keyId, keySpec: 'AES_256', algorithm });
  // @ts-expect-error a key must be named
  await keys.generateDataKey({ keySpec: 'AES_256' });
  // @ts-expect-error a number is not text
  await keys.generateDataKey({ keyId, numberOfBytes: '32' });
  // @ts-expect-error HMAC keys are not pairs
  await keys.generateDataKeyPair({ keyId, keyPairSpec: 'HMAC_256' });
  // @ts-expect-error a kind of pair must be named
  await keys.generateDataKeyPair({ keyId });
  // @ts-expect-error there is no plaintext in what was made without
  wrapped.plaintext.fill(0);
  // @ts-expect-error there is no private key in what was made without
  wrappedPair.privateKey.fill(0);
  // @ts-expect-error the secret is not to be replaced
  key.plaintext = bytes;
  // @ts-expect-error results are not to be changed
  pair.publicKey = bytes;
  using _key = key;
  using _pair = pair;
}

export async function describes(): Promise<void> {
  const description = await keys.describeKey({ keyId });
  const found = await keys.getPublicKey({ keyId });
  // @ts-expect-error a key is named in an object, as everywhere
  await keys.describeKey(keyId);
  // @ts-expect-error a public key needs no algorithm
  await keys.getPublicKey({ keyId, algorithm });
  // @ts-expect-error results are not to be changed
  description.keyState = 'Enabled';
  // @ts-expect-error the list of a result is not to be changed
  found.algorithms.push(algorithm);
  // @ts-expect-error capabilities are the provider's own
  keys.capabilities.dataKeys = true;
  await using _closed = keys;
}

export function contexts(context: EncryptionContext): void {
  // @ts-expect-error a context is not to be changed
  context.orderId = '8';
}

export async function helpers(): Promise<void> {
  const trusted: KeyWrapProvider = await withTrustedKeys(keys, [keyId] as const);
  await sealWithPublicKey(bytes, buffer, 'RSAES_OAEP_SHA_1');
  const side = { provider: trusted, keyId };
  await reEncryptAcross({ ciphertext: bytes, source: { provider: keys }, destination: side });
  // @ts-expect-error a public key seals with an asymmetric algorithm only
  await sealWithPublicKey(bytes, bytes, 'SYMMETRIC_DEFAULT');
  // @ts-expect-error the algorithm is a choice to make
  await sealWithPublicKey(bytes, bytes);
  // @ts-expect-error each side needs its provider
  await reEncryptAcross({ ciphertext: bytes, source: { keyId }, destination: side });
  // @ts-expect-error a destination must name its key
  await reEncryptAcross({ ciphertext: bytes, source: side, destination: { provider: keys } });
  // @ts-expect-error one key is a list of one
  await withTrustedKeys(keys, keyId);
}

export async function manages(): Promise<void> {
  await manager.createKey();
  await manager.createKey({ keySpec: 'RSA_2048', keyUsage: 'SIGN_VERIFY', alias: 'alias/a' });
  // @ts-expect-error a provider need not manage keys
  await keys.createKey();
  // @ts-expect-error there is no such kind of key
  await manager.createKey({ keySpec: 'RSA_1024' });
  // @ts-expect-error an alias needs a key
  await manager.createAlias({ alias: 'alias/a' });
}

export function handles(error: unknown): KeyWrapErrorCode | undefined {
  if (!(error instanceof KeyWrapError)) return undefined;
  // @ts-expect-error there is no such code, so this can never be true
  if (error.code === 'NOT_FOUND') return undefined;
  // @ts-expect-error the fields of an error are read-only
  error.retryable = true;
  return error.code;
}

// @ts-expect-error every error has its own class
new KeyWrapError('');

// @ts-expect-error a driver can not do without encrypt, decrypt and describeKey
export const incomplete: KeyWrapDriver = { id: 'incomplete', capabilities: keys.capabilities };

export const scheme: ProviderScheme = { scheme: 'my-hsm', open: async () => keys };

export class Service {
  @injectKeyWrap('archive') readonly archive!: KeyWrapProvider;
  constructor(@injectKeyWrap() readonly keys: KeyWrapProvider) {}
}

export const resolved: KeyWrapProvider = container.get(KEY_WRAP_PROVIDER);
