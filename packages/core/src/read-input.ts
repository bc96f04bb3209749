import { byteLength, copyBytes, isSharedMemory, isUint8Array } from './bytes.js';
import { type EncryptionContext, readEncryptionContext } from './encryption-context.js';
import {
  InvalidInputError,
  KeyWrapError,
  UnsupportedOperationError,
  withCallDetails,
} from './errors.js';
import { parseKeyId } from './key-id.js';
import {
  dataKeyLength,
  type EncryptionAlgorithm,
  isAsymmetricAlgorithm,
  isDataKeyPairSpec,
  isDataKeySpec,
  isEncryptionAlgorithm,
  LIMITS,
  maximumPlaintextLength,
} from './key-spec.js';
import type { CallOptions, ProviderCapabilities } from './provider.js';
import type {
  CallContext,
  DecryptRequest,
  EncryptRequest,
  GenerateDataKeyPairRequest,
  GenerateDataKeyRequest,
  ReEncryptRequest,
} from './requests.js';

// Everything here reads what a caller passed, from plain JavaScript too: each property once, copied,
// and either complete and well-formed or refused with the name of the field.

type Fields = Readonly<Record<string, unknown>>;

const CONTEXT = 'encryptionContext';
const OPTION_FIELDS = ['signal', 'grantTokens', 'bytesToEncrypt'] as const;
// Their fields are there, because a polluted Object.prototype would lend them others.
const NO_CONTEXT: CallContext = Object.freeze({ signal: undefined, grantTokens: undefined });
const NO_OPTIONS = Object.freeze({
  signal: undefined,
  grantTokens: undefined,
  bytesToEncrypt: undefined,
});

/** An object that inherits nothing from Object.prototype; quicker to fill than one without a prototype. */
class Nothing {}
Object.setPrototypeOf(Nothing.prototype, null);

/** What names a key and how to use it: on its own, or as a side of reEncrypt. */
export const TARGET_FIELDS = ['keyId', 'algorithm', CONTEXT] as const;

/** The input of each operation, which has these fields and no others. */
export const INPUT_FIELDS = {
  encrypt: ['plaintext', ...TARGET_FIELDS],
  decrypt: ['ciphertext', ...TARGET_FIELDS],
  decryptAsymmetric: ['ciphertext', ...TARGET_FIELDS],
  reEncrypt: ['ciphertext', 'source', 'destination'],
  generateDataKey: ['keyId', 'keySpec', 'numberOfBytes', CONTEXT],
  generateDataKeyWithoutPlaintext: ['keyId', 'keySpec', 'numberOfBytes', CONTEXT],
  generateDataKeyPair: ['keyId', 'keyPairSpec', CONTEXT],
  generateDataKeyPairWithoutPlaintext: ['keyId', 'keyPairSpec', CONTEXT],
  getPublicKey: ['keyId'],
  describeKey: ['keyId'],
} as const;

/**
 * Reads what a caller passed to an operation. What a getter or a proxy of the caller throws is the
 * caller's mistake, and no failure of a backend.
 *
 * @throws {@link KeyWrapError} that names the operation.
 */
export function readSafely<T>(operation: string, field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const error =
      cause instanceof KeyWrapError
        ? cause
        : new InvalidInputError(field, 'could not be read: a getter or proxy threw', { cause });
    throw withCallDetails(error, operation);
  }
}

/** @throws {@link InvalidInputError} */
export function readEncryptInput(
  input: unknown,
  capabilities: ProviderCapabilities,
): EncryptRequest {
  const fields = readFields(input, 'input', INPUT_FIELDS.encrypt);
  const { keyId, algorithm, encryptionContext } = readTarget(fields, '', capabilities);
  const maximum = maximumPlaintextLength(algorithm);
  const plaintext = readBytes(fields.plaintext, 'plaintext', maximum);
  return { keyId, algorithm, encryptionContext, plaintext };
}

/** @throws {@link InvalidInputError} */
export function readDecryptInput(
  input: unknown,
  capabilities: ProviderCapabilities,
): DecryptRequest {
  const fields = readFields(input, 'input', INPUT_FIELDS.decrypt);
  const { keyId, algorithm, encryptionContext } = readSource(fields, '', capabilities);
  if (isAsymmetricAlgorithm(algorithm)) {
    throw new InvalidInputError('algorithm', 'is asymmetric: call decryptAsymmetric for it');
  }
  return { keyId, algorithm, encryptionContext, ciphertext: readCiphertext(fields) };
}

/** @throws {@link InvalidInputError} */
export function readDecryptAsymmetricInput(
  input: unknown,
  capabilities: ProviderCapabilities,
): DecryptRequest {
  const fields = readFields(input, 'input', INPUT_FIELDS.decryptAsymmetric);
  if (fields.algorithm === undefined || fields.algorithm === 'SYMMETRIC_DEFAULT') {
    throw new InvalidInputError(
      'algorithm',
      'must be RSAES_OAEP_SHA_1 or RSAES_OAEP_SHA_256; call decrypt for a symmetric key',
    );
  }
  return { ...readTarget(fields, '', capabilities), ciphertext: readCiphertext(fields) };
}

/** @throws {@link InvalidInputError} */
export function readReEncryptInput(
  input: unknown,
  capabilities: ProviderCapabilities,
): ReEncryptRequest {
  const fields = readFields(input, 'input', INPUT_FIELDS.reEncrypt);
  const source = readFields(fields.source ?? {}, 'source', TARGET_FIELDS);
  const destination = readFields(fields.destination, 'destination', TARGET_FIELDS);
  return {
    source: readSource(source, 'source.', capabilities),
    destination: readTarget(destination, 'destination.', capabilities),
    ciphertext: readCiphertext(fields),
  };
}

/** @throws {@link InvalidInputError} */
export function readGenerateDataKeyInput(
  input: unknown,
  capabilities: ProviderCapabilities,
): GenerateDataKeyRequest {
  if (!capabilities.dataKeys) {
    throw new UnsupportedOperationError('this provider does not generate data keys');
  }
  const fields = readFields(input, 'input', INPUT_FIELDS.generateDataKey);
  const { keyId, encryptionContext } = readSymmetric(fields, '', capabilities);
  return { keyId, encryptionContext, numberOfBytes: readDataKeyLength(fields) };
}

/** @throws {@link InvalidInputError} */
export function readGenerateDataKeyPairInput(
  input: unknown,
  capabilities: ProviderCapabilities,
): GenerateDataKeyPairRequest {
  const fields = readFields(input, 'input', INPUT_FIELDS.generateDataKeyPair);
  const keyPairSpec = fields.keyPairSpec;
  if (!isDataKeyPairSpec(keyPairSpec)) {
    throw new InvalidInputError(
      'keyPairSpec',
      'must be RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521 or ECC_SECG_P256K1',
    );
  }
  if (!capabilities.dataKeyPairSpecs.includes(keyPairSpec)) {
    throw new UnsupportedOperationError(`this provider does not generate ${keyPairSpec} pairs`);
  }
  return { ...readSymmetric(fields, '', capabilities), keyPairSpec };
}

/** Reads the input of an operation that takes a key and nothing else. @throws {@link InvalidInputError} */
export function readKeyInput(input: unknown): { keyId: string } {
  return { keyId: readKeyId(readFields(input, 'input', INPUT_FIELDS.describeKey).keyId, 'keyId') };
}

/** @throws {@link InvalidInputError} */
export function readCallOptions(options: unknown): CallContext {
  if (options === undefined) return NO_CONTEXT;
  const { signal, grantTokens } = readAllCallOptions(options);
  return { signal, grantTokens };
}

/** As {@link readCallOptions}, with what only a data-key cache looks at. @throws {@link InvalidInputError} */
export function readAllCallOptions(options: unknown): CallOptions {
  if (options === undefined) return NO_OPTIONS;
  const { signal, grantTokens, bytesToEncrypt } = readFields(options, 'options', OPTION_FIELDS);
  if (signal !== undefined && !isAbortSignal(signal)) {
    throw new InvalidInputError('options.signal', 'must be an AbortSignal');
  }
  if (bytesToEncrypt !== undefined && !isByteCount(bytesToEncrypt)) {
    throw new InvalidInputError('options.bytesToEncrypt', 'must be an integer from 0 to 2^53 - 1');
  }
  return { signal, grantTokens: readGrantTokens(grantTokens), bytesToEncrypt };
}

/** @throws {@link InvalidInputError} */
export function readGrantTokens(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  // The length first: copying an array of a billion holes would take all memory.
  const isShort = Array.isArray(value) && value.length <= LIMITS.grantTokens;
  const tokens = isShort ? [...value] : undefined;
  const isToken = (token: unknown) =>
    typeof token === 'string' && token.length > 0 && token.length <= LIMITS.grantToken;
  if (tokens === undefined || !tokens.every(isToken)) {
    throw new InvalidInputError(
      'options.grantTokens',
      `must be an array of at most ${LIMITS.grantTokens} strings of 1 to ${LIMITS.grantToken} characters`,
    );
  }
  return tokens;
}

/**
 * Takes the named properties of an object that anyone may have passed, each read once. Any other is
 * refused: a misspelt `encryptionContext` must not encrypt without one.
 *
 * @param field How an error names the object; `input` for the whole.
 * @throws {@link InvalidInputError}
 */
export function readFields<Name extends string>(
  value: unknown,
  field: string,
  names: readonly Name[],
): Readonly<Record<Name, unknown>> {
  // By its tag, which built-in objects have: a signal or a Map in its place would be taken for an object
  // in which everything was left out.
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    throw new InvalidInputError(field, `must be an object with ${names.join(', ')}`);
  }
  const known: readonly string[] = names;
  for (const name of Object.keys(value as object)) {
    if (known.includes(name)) continue;
    const path = field === 'input' ? name : `${field}.${name}`;
    throw new InvalidInputError(path, `is not known here; the fields are ${names.join(', ')}`);
  }
  const source = value as Readonly<Record<Name, unknown>>;
  const fields = new Nothing() as Record<Name, unknown>;
  for (const name of names) {
    const passed = source[name];
    // What a polluted Object.prototype holds nobody passed: it must not choose a key or a context.
    const isForeign =
      passed !== undefined &&
      passed === (Object.prototype as typeof source)[name] &&
      !Object.hasOwn(value as object, name);
    fields[name] = isForeign ? undefined : passed;
  }
  return fields;
}

/**
 * As {@link readFields}, without what was left out: a copy to pass on, which a getter or a proxy can't
 * change any more.
 */
export function copyFields<Input extends object>(
  value: Input,
  field: string,
  names: readonly string[],
): Input {
  const fields = Object.entries(readFields(value, field, names));
  return Object.fromEntries(fields.filter(([, passed]) => passed !== undefined)) as Input;
}

function readTarget(
  fields: Fields,
  path: string,
  capabilities: ProviderCapabilities,
): { keyId: string; algorithm: EncryptionAlgorithm; encryptionContext: EncryptionContext } {
  const algorithm = readAlgorithm(fields.algorithm, `${path}algorithm`, capabilities);
  return {
    keyId: readKeyId(fields.keyId, `${path}keyId`),
    algorithm,
    encryptionContext: isAsymmetricAlgorithm(algorithm)
      ? refuseContext(fields[CONTEXT], path)
      : readContext(fields[CONTEXT], path, capabilities),
  };
}

function readSource(
  fields: Fields,
  path: string,
  capabilities: ProviderCapabilities,
): {
  keyId: string | undefined;
  algorithm: EncryptionAlgorithm;
  encryptionContext: EncryptionContext;
} {
  if (fields.keyId !== undefined) return readTarget(fields, path, capabilities);
  const algorithm = readAlgorithm(fields.algorithm, `${path}algorithm`, capabilities);
  if (isAsymmetricAlgorithm(algorithm)) {
    throw new InvalidInputError(
      `${path}keyId`,
      'must name the key: a ciphertext of an asymmetric key does not say which it is',
    );
  }
  if (!capabilities.keyIdFromCiphertext) {
    throw new UnsupportedOperationError(
      `${path}keyId must name the key: this provider's ciphertexts do not say which it is`,
    );
  }
  return {
    keyId: undefined,
    algorithm,
    encryptionContext: readContext(fields[CONTEXT], path, capabilities),
  };
}

function readSymmetric(fields: Fields, path: string, capabilities: ProviderCapabilities) {
  return {
    keyId: readKeyId(fields.keyId, `${path}keyId`),
    encryptionContext: readContext(fields[CONTEXT], path, capabilities),
  };
}

function readKeyId(value: unknown, field: string): string {
  parseKeyId(value, field);
  return value as string;
}

function readAlgorithm(
  value: unknown,
  field: string,
  capabilities: ProviderCapabilities,
): EncryptionAlgorithm {
  const algorithm = value === undefined ? 'SYMMETRIC_DEFAULT' : value;
  if (!isEncryptionAlgorithm(algorithm)) {
    throw new InvalidInputError(
      field,
      'must be SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_1 or RSAES_OAEP_SHA_256',
    );
  }
  if (!capabilities.algorithms.includes(algorithm)) {
    throw new UnsupportedOperationError(`this provider does not encrypt with ${algorithm}`);
  }
  return algorithm;
}

function readContext(
  value: unknown,
  path: string,
  capabilities: ProviderCapabilities,
): EncryptionContext {
  const context = readEncryptionContext(value, path + CONTEXT);
  if (!capabilities.encryptionContext && Object.keys(context).length > 0) {
    throw new UnsupportedOperationError(
      `this provider can't bind a ciphertext to an encryption context; leave ${path}${CONTEXT} out`,
    );
  }
  return context;
}

function refuseContext(value: unknown, path: string): EncryptionContext {
  if (value !== undefined) {
    throw new InvalidInputError(
      path + CONTEXT,
      "can't be used with an asymmetric key: RSA has nothing to bind it to",
    );
  }
  return readEncryptionContext(undefined);
}

function readCiphertext(fields: Fields): Uint8Array {
  return readBytes(fields.ciphertext, 'ciphertext', LIMITS.ciphertext);
}

/**
 * Copies bytes that a caller passed, so that it may change or wipe them at once.
 *
 * @param maximum The longest length to accept, in bytes; the shortest is 1.
 * @throws {@link InvalidInputError} for anything but a `Uint8Array`, and for shared or detached memory.
 */
export function readBytes(value: unknown, field: string, maximum: number): Uint8Array {
  if (!isUint8Array(value)) {
    throw new InvalidInputError(field, 'must be a Uint8Array');
  }
  if (isSharedMemory(value)) {
    throw new InvalidInputError(
      field,
      'must not be shared memory: another thread could change it while it is read; pass a copy',
    );
  }
  const length = byteLength(value);
  if (length === 0) {
    throw new InvalidInputError(field, 'must not be empty; a detached buffer counts as empty');
  }
  if (length > maximum) {
    throw new InvalidInputError(field, `must have at most ${maximum} bytes; it has ${length}`);
  }
  return copyBytes(value);
}

function readDataKeyLength({ keySpec, numberOfBytes }: Fields): number {
  if (keySpec !== undefined && numberOfBytes !== undefined) {
    throw new InvalidInputError('numberOfBytes', "can't be given together with keySpec");
  }
  if (numberOfBytes === undefined) {
    if (isDataKeySpec(keySpec)) return dataKeyLength(keySpec);
    throw new InvalidInputError(
      'keySpec',
      'must be AES_256 or AES_128, or else numberOfBytes must be given',
    );
  }
  const isLength = typeof numberOfBytes === 'number' && Number.isInteger(numberOfBytes);
  if (!isLength || numberOfBytes < 1 || numberOfBytes > LIMITS.dataKey) {
    throw new InvalidInputError('numberOfBytes', `must be an integer from 1 to ${LIMITS.dataKey}`);
  }
  return numberOfBytes;
}

function isByteCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isAbortSignal(value: unknown): value is AbortSignal {
  return (
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    typeof value.aborted === 'boolean' &&
    'addEventListener' in value &&
    typeof value.addEventListener === 'function' &&
    'removeEventListener' in value &&
    typeof value.removeEventListener === 'function'
  );
}
