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
import { checkFields, readBytes } from '../provider/read-fields.js';

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
  const fields = checkFields(input, 'input', INPUT_FIELDS.encrypt);
  const { key, algorithm, encryptionContext } = parseTarget(fields, '', capabilities);
  const longest = longestPlaintext(algorithm, capabilities);
  const plaintext = readBytes(fields.plaintext, 'plaintext', longest);
  return { key, algorithm, encryptionContext, plaintext };
};

export const parseDecryptInput: Parser<DecryptRequest> = (input, capabilities) => {
  const fields = checkFields(input, 'input', INPUT_FIELDS.decrypt);
  const { key, algorithm, encryptionContext } = parseSource(fields, '', capabilities);
  if (isAsymmetricAlgorithm(algorithm)) {
    throw new InvalidInputError('algorithm', 'is asymmetric: call decryptAsymmetric for it');
  }
  const ciphertext = parseCiphertext(fields.ciphertext, capabilities);
  return { key, algorithm, encryptionContext, ciphertext };
};

export const parseDecryptAsymmetricInput: Parser<DecryptRequest> = (input, capabilities) => {
  const fields = checkFields(input, 'input', INPUT_FIELDS.decrypt);
  const { ciphertext: bytes, keyId, algorithm: name, encryptionContext: context } = fields;
  if (name === undefined || name === 'SYMMETRIC_DEFAULT') {
    throw new InvalidInputError(
      'algorithm',
      'must be RSAES_OAEP_SHA_1, _256, _384 or _512; call decrypt for a symmetric key',
    );
  }
  const named = { keyId, algorithm: name, encryptionContext: context };
  const { key, algorithm, encryptionContext } = parseTarget(named, '', capabilities);
  return { key, algorithm, encryptionContext, ciphertext: parseCiphertext(bytes, capabilities) };
};

export const parseReEncryptInput: Parser<ReEncryptRequest> = (input, capabilities) => {
  const { ciphertext, source, destination } = checkFields(input, 'input', INPUT_FIELDS.reEncrypt);
  const from = checkFields(source ?? {}, 'source', TARGET_FIELDS);
  const to = checkFields(destination, 'destination', TARGET_FIELDS);
  return {
    source: parseSource(from, 'source.', capabilities),
    destination: parseTarget(to, 'destination.', capabilities),
    ciphertext: parseCiphertext(ciphertext, capabilities),
  };
};

export const parseDataKeyInput: Parser<DataKeyRequest> = (input, capabilities) => {
  if (!capabilities.dataKeys) {
    throw new UnsupportedOperationError('this provider does not generate data keys');
  }
  const fields = checkFields(input, 'input', INPUT_FIELDS.dataKey);
  const { keyId, keySpec, numberOfBytes: length, encryptionContext: context } = fields;
  const { key, algorithm, encryptionContext } = parseWrapping(keyId, context, capabilities);
  const numberOfBytes = parseDataKeyLength(keySpec, length, algorithm, capabilities);
  return { key, algorithm, encryptionContext, numberOfBytes };
};

export const parseDataKeyPairInput: Parser<DataKeyPairRequest> = (input, capabilities) => {
  const fields = checkFields(input, 'input', INPUT_FIELDS.dataKeyPair);
  const { keyId, keyPairSpec, encryptionContext: context } = fields;
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
  return { key: parseKeyId(checkFields(input, 'input', INPUT_FIELDS.key).keyId) };
}

/** Does the same as {@link parseKeyInput}, for a public key. @throws {@link InvalidInputError} */
export function parsePublicKeyInput(input: unknown, { algorithms }: ProviderCapabilities) {
  if (algorithms.some(isAsymmetricAlgorithm)) return parseKeyInput(input);
  throw new UnsupportedOperationError('this provider has no asymmetric keys');
}

/** What {@link TARGET_FIELDS} hold, unchecked. */
type Named = Readonly<Record<(typeof TARGET_FIELDS)[number], unknown>>;

function parseTarget(
  { keyId, algorithm: name, encryptionContext: context }: Named,
  path: string,
  capabilities: ProviderCapabilities,
): Target {
  const algorithm = parseAlgorithm(name, `${path}algorithm`, capabilities);
  const key = parseKeyId(keyId, `${path}keyId`);
  return {
    key,
    algorithm,
    encryptionContext: parseContext(context, path, algorithm, capabilities),
  };
}

function parseSource(
  { keyId, algorithm: name, encryptionContext: context }: Named,
  path: string,
  capabilities: ProviderCapabilities,
): Source {
  const algorithm = parseAlgorithm(name, `${path}algorithm`, capabilities);
  if (keyId === undefined) assertKeyIsInCiphertext(algorithm, path, capabilities);
  const key = keyId === undefined ? undefined : parseKeyId(keyId, `${path}keyId`);
  return {
    key,
    algorithm,
    encryptionContext: parseContext(context, path, algorithm, capabilities),
  };
}

/** @throws an error that asks for a key id. */
function assertKeyIsInCiphertext(
  algorithm: EncryptionAlgorithm,
  path: string,
  capabilities: ProviderCapabilities,
): void {
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

function parseDataKeyLength(
  keySpec: unknown,
  numberOfBytes: unknown,
  algorithm: EncryptionAlgorithm,
  capabilities: ProviderCapabilities,
): number {
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
  const longest = Math.min(LIMITS.dataKey, longestPlaintext(algorithm, capabilities));
  const isLength = typeof numberOfBytes === 'number' && Number.isInteger(numberOfBytes);
  if (!isLength || numberOfBytes < 1 || numberOfBytes > longest) {
    throw new InvalidInputError('numberOfBytes', `must be an integer from 1 to ${longest}`);
  }
  return numberOfBytes;
}
