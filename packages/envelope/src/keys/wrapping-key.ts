import {
  type AsymmetricAlgorithm,
  assertProvider,
  InvalidInputError,
  isAsymmetricAlgorithm,
  type KeyWrapProvider,
  parseKeyId,
  readBytes,
  readFields,
} from '@keywrap/core';

/** Names a key of another provider than the call's, or of the same. */
export interface ProviderKey {
  /** By default the provider of the call. */
  readonly provider?: KeyWrapProvider | undefined;
  /** Key id, key ARN, alias name or alias ARN. */
  readonly keyId: string;
}

/** The name of a raw RSA key ([Raw RSA Keyring](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/raw-rsa-keyring.md)): who seals and who opens agree on it. */
export interface RawRsaName {
  /** The key namespace: 1 to 1000 characters; not `aws-kms`, which names keys of AWS KMS. */
  readonly namespace: string;
  /** The key name: 1 to 1000 characters. */
  readonly name: string;
  /** The padding; by default `RSAES_OAEP_SHA_256`. */
  readonly algorithm?: AsymmetricAlgorithm | undefined;
}

/** A public key that seals without a provider: the raw RSA keyring's, in any AWS Encryption SDK. */
export interface RawRsaPublicKey extends RawRsaName {
  /** DER of SubjectPublicKeyInfo, RSA of 2048, 3072 or 4096 bits. Make sure that it is authentic. */
  readonly publicKey: Uint8Array;
}

/**
 * A key that a message is sealed under, so that it opens the message. A string names a key of the call's provider.
 */
export type WrappingKey = string | ProviderKey | RawRsaPublicKey;

/**
 * A key that may open a message. A string names a key of the call's provider. With a raw RSA name, it is the
 * private key of what was sealed with the public key under that name.
 */
export type TrustedKey = string | ProviderKey | (ProviderKey & RawRsaName);

/** A key of a provider, checked. */
export interface ReadProviderKey {
  readonly provider: KeyWrapProvider;
  readonly keyId: string;
}

/** A raw RSA name, checked. */
export interface ReadRawRsaName extends RawRsaName {
  readonly algorithm: AsymmetricAlgorithm;
}

/** A trusted key, checked. */
export interface ReadTrustedKey extends ReadProviderKey {
  readonly rawRsa: ReadRawRsaName | undefined;
}

/** A raw RSA public key, checked. */
export interface ReadRawRsaPublicKey extends ReadRawRsaName {
  /** Has none; an own property, so that none is inherited. */
  readonly provider: undefined;
  readonly publicKey: Uint8Array;
}

/** A wrapping key, checked. */
export type ReadWrappingKey = ReadProviderKey | ReadRawRsaPublicKey;

/** @throws InvalidInputError */
export function readWrappingKey(
  value: unknown,
  field: string,
  provider: KeyWrapProvider,
): ReadWrappingKey {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'publicKey')) {
    return readRawRsaPublicKey(value, field);
  }
  const key = typeof value === 'string' ? { keyId: value } : value;
  return readProviderKey(readFields(key, field, ['provider', 'keyId']), field, provider);
}

/** @throws InvalidInputError */
export function readRawRsaPublicKey(value: unknown, field: string): ReadRawRsaPublicKey {
  const fields = readFields(value, field, ['publicKey', 'namespace', 'name', 'algorithm']);
  const publicKey = readBytes(fields.publicKey, `${field}.publicKey`, MAXIMUM_PUBLIC_KEY);
  return { provider: undefined, publicKey, ...readRawRsaName(fields, field) };
}

/** @throws InvalidInputError */
export function readTrustedKey(
  value: unknown,
  field: string,
  provider: KeyWrapProvider,
): ReadTrustedKey {
  if (typeof value === 'string') {
    return { provider, keyId: parseKeyId(value, `${field}.keyId`).text, rawRsa: undefined };
  }
  const names = ['provider', 'keyId', 'namespace', 'name', 'algorithm'] as const;
  const fields = readFields(value, field, names);
  const isRaw =
    fields.namespace !== undefined || fields.name !== undefined || fields.algorithm !== undefined;
  const rawRsa = isRaw ? readRawRsaName(fields, field) : undefined;
  const read = readProviderKey(fields, field, provider);
  return { provider: read.provider, keyId: read.keyId, rawRsa };
}

const MAXIMUM_PUBLIC_KEY = 8192;
const MAXIMUM_NAME = 1000;

function readProviderKey(
  fields: Readonly<Record<'provider' | 'keyId', unknown>>,
  field: string,
  provider: KeyWrapProvider,
): ReadProviderKey {
  const other: unknown = fields.provider ?? provider;
  assertProvider(other, `${field}.provider`);
  return { provider: other, keyId: parseKeyId(fields.keyId, `${field}.keyId`).text };
}

function readRawRsaName(
  fields: Readonly<Record<'namespace' | 'name' | 'algorithm', unknown>>,
  field: string,
): ReadRawRsaName {
  const namespace = readName(fields.namespace, `${field}.namespace`);
  if (namespace === 'aws-kms') {
    throw new InvalidInputError(
      `${field}.namespace`,
      "must not be 'aws-kms': keys of AWS KMS have it",
    );
  }
  const { algorithm = 'RSAES_OAEP_SHA_256' } = fields;
  if (typeof algorithm !== 'string' || !isAsymmetricAlgorithm(algorithm)) {
    throw new InvalidInputError(
      `${field}.algorithm`,
      'must be RSAES_OAEP_SHA_1 or RSAES_OAEP_SHA_256',
    );
  }
  return { namespace, name: readName(fields.name, `${field}.name`), algorithm };
}

function readName(value: unknown, field: string): string {
  const isName =
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= MAXIMUM_NAME &&
    value.isWellFormed();
  if (isName) return value;
  throw new InvalidInputError(
    field,
    `must be a well-formed string of 1 to ${MAXIMUM_NAME} characters`,
  );
}
