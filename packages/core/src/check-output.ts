import { isUint8Array, ownBytes } from './bytes.js';
import { ProviderUnavailableError } from './errors.js';
import { isKeyArn } from './key-id.js';
import { LIMITS } from './key-spec.js';
import type {
  DataKeyPairOutput,
  DecryptOutput,
  EncryptOutput,
  GenerateDataKeyOutput,
  WrappedDataKeyPairOutput,
} from './requests.js';

// What a hook gives back is not believed either: a backend that answers nonsense must not hand a
// service an empty key, an alias where an ARN belongs, or a view of memory that something else uses.

export function checkBytes(value: unknown, maximum: number, what: string): Uint8Array {
  if (!isUint8Array(value) || value.length === 0) throw broken(`no ${what}`);
  if (value.length > maximum) throw broken(`a ${what} of more than ${maximum} bytes`);
  return ownBytes(value);
}

export function checkKeyArn(value: unknown): string {
  if (!isKeyArn(value)) throw broken('something else than a key ARN to name the key');
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

export function checkCiphertext({ ciphertext, keyId }: EncryptOutput): EncryptOutput {
  return {
    ciphertext: checkBytes(ciphertext, LIMITS.ciphertext, 'ciphertext'),
    keyId: checkKeyArn(keyId),
  };
}

/** An empty plaintext is possible: RSA-OAEP can carry one that was made outside. */
export function checkDecrypted({ plaintext, keyId }: DecryptOutput): DecryptOutput {
  if (!isUint8Array(plaintext) || plaintext.length > LIMITS.plaintext) {
    throw broken('no plaintext, or one that is too long');
  }
  return { plaintext, keyId: checkKeyArn(keyId) };
}

export function checkDataKey(
  output: GenerateDataKeyOutput,
  numberOfBytes: number,
): GenerateDataKeyOutput {
  const { plaintext } = output;
  if (!isUint8Array(plaintext) || plaintext.length !== numberOfBytes) {
    throw broken(`a data key that does not have ${numberOfBytes} bytes`);
  }
  const { ciphertext, keyId } = checkCiphertext(output);
  return { plaintext, ciphertext, keyId };
}

/** Not copied here: the result takes the private key over, and wipes where it was. */
export function checkPrivateKey({ privateKey }: DataKeyPairOutput): Uint8Array {
  if (!isUint8Array(privateKey) || privateKey.length === 0) throw broken('no private key');
  if (privateKey.length > LIMITS.plaintext) throw broken('a private key that is too long to wrap');
  return privateKey;
}

export function checkPair(output: WrappedDataKeyPairOutput): WrappedDataKeyPairOutput {
  return {
    publicKey: checkBytes(output.publicKey, LIMITS.publicKey, 'public key'),
    privateKeyCiphertext: checkBytes(output.privateKeyCiphertext, LIMITS.ciphertext, 'ciphertext'),
    keyId: checkKeyArn(output.keyId),
  };
}

function broken(what: string): ProviderUnavailableError {
  return new ProviderUnavailableError(`the provider's backend answered with ${what}`);
}
