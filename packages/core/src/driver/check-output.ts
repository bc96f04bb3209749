import { copyBytes, isUint8Array, type OwnedBytes, ownBytes } from '../provider/bytes.js';
import { InternalError } from '../provider/errors.js';
import { isKeyArn, type KeyName } from '../provider/key-id.js';
import { LIMITS } from '../provider/key-spec.js';
import { copyDate, ownField } from '../provider/own-fields.js';
import type { KeyDescription } from '../provider/provider.js';
import type {
  DataKeyOutput,
  DataKeyPairOutput,
  DataKeyRequest,
  DecryptOutput,
  DecryptRequest,
  EncryptOutput,
  KeyRequest,
  PublicKeyOutput,
  ReEncryptOutput,
  ReEncryptRequest,
  WrappedDataKeyPairOutput,
} from './requests.js';

// Drivers are not trusted: a service must not get an empty key, an alias instead of an ARN, or a view of shared
// memory. Secrets are not copied here: the result takes ownership of them, and wipes the original if it copies.

export function encrypted(output: EncryptOutput, { key }: KeyRequest): EncryptOutput {
  return {
    ciphertext: checkBytes(output.ciphertext, LIMITS.ciphertext, 'ciphertext'),
    keyId: checkKeyArn(output.keyId, key),
    keyVersion: checkVersion(output, 'keyVersion'),
  };
}

/** Accepts an empty plaintext: another program can encrypt one with RSA-OAEP. */
export function decrypted(output: DecryptOutput, { key }: DecryptRequest): DecryptOutput {
  return {
    plaintext: checkSecret(output.plaintext, 0, LIMITS.plaintext, 'plaintext'),
    keyId: checkKeyArn(output.keyId, key),
    keyVersion: checkVersion(output, 'keyVersion'),
  };
}

export function reEncrypted(output: ReEncryptOutput, asked: ReEncryptRequest): ReEncryptOutput {
  return {
    ciphertext: checkBytes(output.ciphertext, LIMITS.ciphertext, 'ciphertext'),
    sourceKeyId: checkKeyArn(output.sourceKeyId, asked.source.key),
    sourceKeyVersion: checkVersion(output, 'sourceKeyVersion'),
    destinationKeyId: checkKeyArn(output.destinationKeyId, asked.destination.key),
    destinationKeyVersion: checkVersion(output, 'destinationKeyVersion'),
  };
}

export function dataKey(output: DataKeyOutput, asked: DataKeyRequest): DataKeyOutput {
  const { numberOfBytes } = asked;
  const plaintext = checkSecret(output.plaintext, numberOfBytes, numberOfBytes, 'data key');
  const { ciphertext, keyId, keyVersion } = encrypted(output, asked);
  return { plaintext, ciphertext, keyId, keyVersion };
}

export function wrappedPair(
  output: WrappedDataKeyPairOutput,
  { key }: KeyRequest,
): WrappedDataKeyPairOutput {
  return {
    publicKey: checkBytes(output.publicKey, LIMITS.publicKey, 'public key'),
    privateKeyCiphertext: checkBytes(output.privateKeyCiphertext, LIMITS.ciphertext, 'ciphertext'),
    keyId: checkKeyArn(output.keyId, key),
    keyVersion: checkVersion(output, 'keyVersion'),
  };
}

export function pair(output: DataKeyPairOutput, asked: KeyRequest): DataKeyPairOutput {
  const privateKey = checkSecret(output.privateKey, 1, LIMITS.plaintext, 'private key');
  return { ...wrappedPair(output, asked), privateKey };
}

export function publicKey(output: PublicKeyOutput, { key }: KeyRequest): PublicKeyOutput {
  checkVersion(output, 'keyVersion');
  return {
    ...ownDetails(output),
    keyId: checkKeyArn(output.keyId, key),
    // Always a copy: a driver may keep its public keys.
    publicKey: copyBytes(checkBytes(output.publicKey, LIMITS.publicKey, 'public key')),
  };
}

export function description(output: KeyDescription, { key }: KeyRequest): KeyDescription {
  checkVersion(output, 'keyVersion');
  return { ...ownDetails(output), keyId: checkKeyArn(output.keyId, key) };
}

function checkBytes(value: unknown, maximum: number, what: string): OwnedBytes {
  if (!isUint8Array(value) || value.length === 0) throw broken(`no ${what}`);
  if (value.length > maximum) throw broken(`a ${what} of more than ${maximum} bytes`);
  return ownBytes(value);
}

function checkSecret(value: unknown, minimum: number, maximum: number, what: string): Uint8Array {
  if (isUint8Array(value) && value.length >= minimum && value.length <= maximum) return value;
  throw broken(`no ${what} of ${minimum} to ${maximum} bytes`);
}

/** @param asked The key as the caller named it, if it did. Only an ARN identifies a key here. */
function checkKeyArn(value: unknown, asked: KeyName | undefined): string {
  if (asked?.kind === 'key-arn' && value === asked.text) return asked.text;
  if (!isKeyArn(value)) {
    throw broken(
      'an invalid key ARN: a driver returns the ARN of the key (formatKeyArn makes it), not the name that the caller used',
    );
  }
  if (asked?.kind !== 'key-arn') return value;
  throw broken('the ARN of a key other than the requested one');
}

function checkVersion<Output extends object>(
  output: Output,
  name: keyof Output,
): string | undefined {
  const value: unknown = ownField(output, name);
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw broken('an invalid key version');
}

/** Copies lists and dates too: a driver may keep its own. */
function ownDetails<Output extends object>(output: Output): Output {
  const own = (value: unknown) => {
    if (Array.isArray(value)) return [...value];
    const date = copyDate(value);
    if (date !== undefined && Number.isNaN(date.getTime())) throw broken('an invalid date');
    return date ?? value;
  };
  const details = Object.entries(output).map(([name, value]) => [name, own(value)]);
  return Object.fromEntries(details) as Output;
}

function broken(what: string): InternalError {
  return new InternalError(`the provider's backend returned ${what}`);
}
