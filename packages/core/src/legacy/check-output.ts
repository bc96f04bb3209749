import type {
  DataKeyPairOutput,
  DecryptOutput,
  EncryptOutput,
  WrappedDataKeyPairOutput,
} from '../driver/requests.js';
import { isUint8Array, ownBytes } from '../provider/bytes.js';
import { ProviderUnavailableError } from '../provider/errors.js';
import { isKeyArn } from '../provider/key-id.js';
import { LIMITS } from '../provider/key-spec.js';
import type { KeyInput } from '../provider/provider.js';
import type {
  GenerateDataKeyOutput,
  GenerateDataKeyRequest,
  LegacyDecryptRequest,
} from './requests.js';

// What a hook gives back is not believed either: a backend that answers nonsense must not hand a
// service an empty key, an alias where an ARN belongs, or a view of memory that something else uses.

export function checkBytes(value: unknown, maximum: number, what: string): Uint8Array {
  if (!isUint8Array(value) || value.length === 0) throw broken(`no ${what}`);
  if (value.length > maximum) throw broken(`a ${what} of more than ${maximum} bytes`);
  return ownBytes(value);
}

/** @param asked How the caller named the key, if it did. Only an ARN says which key that is. */
export function checkKeyArn(value: unknown, asked: string | undefined): string {
  if (!isKeyArn(value)) throw broken('something else than a key ARN to name the key');
  if (value !== asked && isKeyArn(asked)) {
    throw broken('the ARN of another key than the one that was asked for');
  }
  return value;
}

/** The same with lists and dates of its own: a provider may well keep those of its keys. */
export function ownDetails<Output extends object>(output: Output): Output {
  const own = (value: unknown) => {
    if (Array.isArray(value)) return [...value];
    return value instanceof Date ? new Date(value) : value;
  };
  const details = Object.entries(output).map(([name, value]) => [name, own(value)]);
  return Object.fromEntries(details) as Output;
}

export function checkCiphertext(
  { ciphertext, keyId }: EncryptOutput,
  asked: KeyInput,
): EncryptOutput {
  return {
    ciphertext: checkBytes(ciphertext, LIMITS.ciphertext, 'ciphertext'),
    keyId: checkKeyArn(keyId, asked.keyId),
  };
}

/** An empty plaintext is possible: RSA-OAEP can carry one that was made outside. */
export function checkDecrypted(
  { plaintext, keyId }: DecryptOutput,
  asked: LegacyDecryptRequest,
): DecryptOutput {
  if (!isUint8Array(plaintext) || plaintext.length > LIMITS.plaintext) {
    throw broken('no plaintext, or one that is too long');
  }
  return { plaintext, keyId: checkKeyArn(keyId, asked.keyId) };
}

export function checkDataKey(
  output: GenerateDataKeyOutput,
  asked: GenerateDataKeyRequest,
): GenerateDataKeyOutput {
  const { plaintext } = output;
  const { numberOfBytes } = asked;
  if (!isUint8Array(plaintext) || plaintext.length !== numberOfBytes) {
    throw broken(`a data key that does not have ${numberOfBytes} bytes`);
  }
  const { ciphertext, keyId } = checkCiphertext(output, asked);
  return { plaintext, ciphertext, keyId };
}

/** Not copied here: the result takes the private key over, and wipes where it was. */
export function checkPrivateKey({ privateKey }: DataKeyPairOutput): Uint8Array {
  if (!isUint8Array(privateKey) || privateKey.length === 0) throw broken('no private key');
  if (privateKey.length > LIMITS.plaintext) throw broken('a private key that is too long to wrap');
  return privateKey;
}

export function checkPair(
  output: WrappedDataKeyPairOutput,
  asked: KeyInput,
): WrappedDataKeyPairOutput {
  return {
    publicKey: checkBytes(output.publicKey, LIMITS.publicKey, 'public key'),
    privateKeyCiphertext: checkBytes(output.privateKeyCiphertext, LIMITS.ciphertext, 'ciphertext'),
    keyId: checkKeyArn(output.keyId, asked.keyId),
  };
}

function broken(what: string): ProviderUnavailableError {
  return new ProviderUnavailableError(`the provider's backend answered with ${what}`);
}
