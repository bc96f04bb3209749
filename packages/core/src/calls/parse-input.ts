import type {
  DataKeyPairRequest,
  DataKeyRequest,
  DecryptRequest,
  EncryptRequest,
  KeyRequest,
  ReEncryptRequest,
  Source,
  Target,
} from '../driver/requests.js';
import type { OwnedBytes } from '../provider/bytes.js';
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
} from '../provider/key-spec.js';
import { limitOf, longestPlaintext } from '../provider/limits.js';
import { ownField } from '../provider/own-fields.js';
import type { ProviderCapabilities } from '../provider/provider.js';
import { readBytes, readValues } from '../provider/read-fields.js';

// Parses the input of each operation into a complete and well-formed request, or rejects it with the name of the
// field.

const CONTEXT = 'encryptionContext';

/** The fields that name a key and its use: of an input, or of a side of reEncrypt. */
export const TARGET_FIELDS = ['keyId', 'algorithm', CONTEXT] as const;

/** The allowed fields in the input of each operation. */
const INPUT_FIELDS = {
  encrypt: ['plaintext', ...TARGET_FIELDS],
  decrypt: ['ciphertext', ...TARGET_FIELDS],
  reEncrypt: ['ciphertext', 'source', 'destination'],
  dataKey: ['keyId', 'keySpec', 'numberOfBytes', CONTEXT],
  dataKeyPair: ['keyId', 'keyPairSpec', CONTEXT],
  key: ['keyId'],
} as const;

/** Parses the input of one operation. @throws {@link InvalidInputError} */
type Parser<Request> = (input: unknown, capabilities: ProviderCapabilities) => Request;

export const parseEncryptInput: Parser<EncryptRequest> = (input, capabilities) => {
  const [bytes, ...named] = readValues(input, 'input', INPUT_FIELDS.encrypt);
  const { key, algorithm, encryptionContext } = parseTarget(named, '', capabilities);
  const plaintext = readBytes(bytes, 'plaintext', longestPlaintext(algorithm, capabilities));
  return { key, algorithm, encryptionContext, plaintext };
};

export const parseDecryptInput: Parser<DecryptRequest> = (input, capabilities) => {
  const [bytes, ...named] = readValues(input, 'input', INPUT_FIELDS.decrypt);
  const { key, algorithm, encryptionContext } = parseSource(named, '', capabilities);
  if (isAsymmetricAlgorithm(algorithm)) {
    throw new InvalidInputError('algorithm', 'is asymmetric: call decryptAsymmetric for it');
  }
  return { key, algorithm, encryptionContext, ciphertext: parseCiphertext(bytes, capabilities) };
};

export const parseDecryptAsymmetricInput: Parser<DecryptRequest> = (input, capabilities) => {
  const [bytes, ...named] = readValues(input, 'input', INPUT_FIELDS.decrypt);
  if (named[1] === undefined || named[1] === 'SYMMETRIC_DEFAULT') {
    throw new InvalidInputError(
      'algorithm',
      'must be RSAES_OAEP_SHA_1, _256, _384 or _512; call decrypt for a symmetric key',
    );
  }
  const { key, algorithm, encryptionContext } = parseTarget(named, '', capabilities);
  return { key, algorithm, encryptionContext, ciphertext: parseCiphertext(bytes, capabilities) };
};

export const parseReEncryptInput: Parser<ReEncryptRequest> = (input, capabilities) => {
  const [bytes, from, to] = readValues(input, 'input', INPUT_FIELDS.reEncrypt);
  const source = readValues(from ?? {}, 'source', TARGET_FIELDS);
  const destination = readValues(to, 'destination', TARGET_FIELDS);
  return {
    source: parseSource(source, 'source.', capabilities),
    destination: parseTarget(destination, 'destination.', capabilities),
    ciphertext: parseCiphertext(bytes, capabilities),
  };
};

export const parseDataKeyInput: Parser<DataKeyRequest> = (input, capabilities) => {
  if (!capabilities.dataKeys) {
    throw new UnsupportedOperationError('this provider does not generate data keys');
  }
  const [keyId, keySpec, length, context] = readValues(input, 'input', INPUT_FIELDS.dataKey);
  const { key, algorithm, encryptionContext } = parseWrapping(keyId, context, capabilities);
  const longest = Math.min(LIMITS.dataKey, longestPlaintext(algorithm, capabilities));
  const numberOfBytes = parseDataKeyLength(keySpec, length, longest);
  return { key, algorithm, encryptionContext, numberOfBytes };
};

export const parseDataKeyPairInput: Parser<DataKeyPairRequest> = (input, capabilities) => {
  const [keyId, keyPairSpec, context] = readValues(input, 'input', INPUT_FIELDS.dataKeyPair);
  if (!isDataKeyPairSpec(keyPairSpec)) {
    throw new InvalidInputError(
      'keyPairSpec',
      'must be RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521 or ECC_SECG_P256K1',
    );
  }
  if (!capabilities.dataKeyPairSpecs.includes(keyPairSpec)) {
    throw new UnsupportedOperationError(`this provider does not generate ${keyPairSpec} pairs`);
  }
  const { key, algorithm, encryptionContext } = parseWrapping(keyId, context, capabilities);
  return { key, algorithm, encryptionContext, keyPairSpec };
};

/**
 * Parses the input of an operation that has a key only.
 *
 * @throws {@link InvalidInputError}
 */
export function parseKeyInput(input: unknown): KeyRequest {
  return { key: parseKeyId(readValues(input, 'input', INPUT_FIELDS.key)[0]) };
}

/** Does the same as {@link parseKeyInput}, for a public key. @throws {@link InvalidInputError} */
export function parsePublicKeyInput(input: unknown, { algorithms }: ProviderCapabilities) {
  if (algorithms.some(isAsymmetricAlgorithm)) return parseKeyInput(input);
  throw new UnsupportedOperationError('this provider has no asymmetric keys');
}

/** @param named The values of {@link TARGET_FIELDS}. */
function parseTarget(
  [keyId, name, context]: readonly unknown[],
  path: string,
  capabilities: ProviderCapabilities,
): Target {
  const algorithm = parseAlgorithm(name, `${path}algorithm`, capabilities);
  return {
    key: parseKeyId(keyId, `${path}keyId`),
    algorithm,
    encryptionContext: parseContext(context, path, algorithm, capabilities),
  };
}

/** @param named The values of {@link TARGET_FIELDS}. */
function parseSource(
  named: readonly unknown[],
  path: string,
  capabilities: ProviderCapabilities,
): Source {
  const [keyId, name, context] = named;
  if (keyId !== undefined) return parseTarget(named, path, capabilities);
  const algorithm = parseAlgorithm(name, `${path}algorithm`, capabilities);
  if (isAsymmetricAlgorithm(algorithm)) {
    throw new InvalidInputError(
      `${path}keyId`,
      'must name the key: a ciphertext of an asymmetric key does not identify it',
    );
  }
  if (!capabilities.keyIdFromCiphertext) {
    throw new UnsupportedOperationError(
      `${path}keyId must name the key: this provider's ciphertexts do not identify it`,
    );
  }
  const encryptionContext = parseContext(context, path, algorithm, capabilities);
  return { key: undefined, algorithm, encryptionContext };
}

/** Parses the key that wraps a generated key. */
function parseWrapping(
  keyId: unknown,
  context: unknown,
  capabilities: ProviderCapabilities,
): Target {
  const algorithm = ownField(capabilities, 'dataKeyAlgorithm') ?? 'SYMMETRIC_DEFAULT';
  const encryptionContext = parseContext(context, '', algorithm, capabilities);
  return { key: parseKeyId(keyId), algorithm, encryptionContext };
}

function parseAlgorithm(
  value: unknown,
  field: string,
  capabilities: ProviderCapabilities,
): EncryptionAlgorithm {
  const algorithm = value === undefined ? 'SYMMETRIC_DEFAULT' : value;
  if (!isEncryptionAlgorithm(algorithm)) {
    throw new InvalidInputError(
      field,
      'must be SYMMETRIC_DEFAULT, or RSAES_OAEP_SHA_1, _256, _384 or _512',
    );
  }
  if (!capabilities.algorithms.includes(algorithm)) {
    throw new UnsupportedOperationError(
      algorithm === 'SYMMETRIC_DEFAULT'
        ? 'this provider has no symmetric keys: name an asymmetric algorithm, without an encryption context; to decrypt, call decryptAsymmetric'
        : `this provider does not encrypt with ${algorithm}`,
    );
  }
  return algorithm;
}

function parseContext(
  value: unknown,
  path: string,
  algorithm: EncryptionAlgorithm,
  capabilities: ProviderCapabilities,
): EncryptionContext {
  if (isAsymmetricAlgorithm(algorithm)) {
    if (value === undefined) return readEncryptionContext(undefined);
    throw new InvalidInputError(
      path + CONTEXT,
      "can't be used with an asymmetric key: RSA has nothing to bind it to",
    );
  }
  const context = readEncryptionContext(
    value,
    path + CONTEXT,
    limitOf(capabilities, 'encryptionContext'),
  );
  if (!capabilities.encryptionContext && Object.keys(context).length > 0) {
    throw new UnsupportedOperationError(
      `this provider can't bind a ciphertext to an encryption context; leave ${path}${CONTEXT} out`,
    );
  }
  return context;
}

function parseCiphertext(value: unknown, capabilities: ProviderCapabilities): OwnedBytes {
  return readBytes(value, 'ciphertext', limitOf(capabilities, 'ciphertext'));
}

function parseDataKeyLength(keySpec: unknown, numberOfBytes: unknown, longest: number): number {
  if (keySpec !== undefined && numberOfBytes !== undefined) {
    throw new InvalidInputError('numberOfBytes', "can't be given together with keySpec");
  }
  if (numberOfBytes === undefined) {
    if (isDataKeySpec(keySpec)) return dataKeyLength(keySpec);
    throw new InvalidInputError(
      'keySpec',
      'must be AES_256 or AES_128, or pass numberOfBytes instead',
    );
  }
  const isLength = typeof numberOfBytes === 'number' && Number.isInteger(numberOfBytes);
  if (!isLength || numberOfBytes < 1 || numberOfBytes > longest) {
    throw new InvalidInputError('numberOfBytes', `must be an integer from 1 to ${longest}`);
  }
  return numberOfBytes;
}
