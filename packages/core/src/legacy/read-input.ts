import { type EncryptionContext, readEncryptionContext } from '../provider/encryption-context.js';
import { InvalidInputError, UnsupportedOperationError } from '../provider/errors.js';
import { parseKeyId } from '../provider/key-id.js';
import {
  dataKeyLength,
  type EncryptionAlgorithm,
  isAsymmetricAlgorithm,
  isDataKeyPairSpec,
  isDataKeySpec,
  isEncryptionAlgorithm,
  LIMITS,
  maximumPlaintextLength,
} from '../provider/key-spec.js';
import type { ProviderCapabilities } from '../provider/provider.js';
import { readBytes, readFields } from '../provider/read-fields.js';
import type {
  GenerateDataKeyPairRequest,
  GenerateDataKeyRequest,
  LegacyDecryptRequest,
  LegacyEncryptRequest,
  LegacyReEncryptRequest,
} from './requests.js';

// The input of each operation becomes a complete and well-formed request, or is refused with the name of
// the field.

type Fields = Readonly<Record<string, unknown>>;

const CONTEXT = 'encryptionContext';

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

/** @throws {@link InvalidInputError} */
export function readEncryptInput(
  input: unknown,
  capabilities: ProviderCapabilities,
): LegacyEncryptRequest {
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
): LegacyDecryptRequest {
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
): LegacyDecryptRequest {
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
): LegacyReEncryptRequest {
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
