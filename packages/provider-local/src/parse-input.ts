import {
  InvalidInputError,
  isKeySpec,
  KEY_SPECS,
  type KeyInput,
  type KeyName,
  type KeyRequest,
  type KeySpec,
  type KeyUsage,
  keyUsagesOf,
  parseKeyId,
  readBytes,
  readFields,
} from '@keywrap/core';
import type { PrivateKeyFormat } from './key-files/index.js';
import { problemOfName } from './keys/key-name.js';

// Parses the input of KeyManager's methods, as core does for KeyWrapProvider's. All functions throw
// InvalidInputError.

/** A parsed CreateKey request. */
export interface CreateKeyRequest {
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly origin: 'AWS_KMS' | 'EXTERNAL';
  readonly description: string;
  readonly alias: string | undefined;
}

/** Key material to import into a key. */
export interface ImportRequest extends KeyRequest {
  readonly keyMaterial: Uint8Array | string;
  readonly passphrase: string | undefined;
}

const EXPORT_FORMATS = [
  'raw',
  'pkcs8-pem',
  'pkcs8-der',
  'pkcs1-pem',
  'pkcs8-encrypted-pem',
  'pkcs12',
] as const satisfies readonly ('raw' | PrivateKeyFormat)[];

/** The formats of exported key material. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A key whose material to export, and the format. */
export interface ExportKeyMaterialInput extends KeyInput {
  /** `raw` for a symmetric or HMAC key, one of the others for RSA and ECC keys. */
  readonly format: ExportFormat;
  /** For the encrypted formats. */
  readonly passphrase?: string | undefined;
}

/** A parsed export request. */
export interface ExportRequest extends KeyRequest {
  readonly format: ExportFormat;
  readonly passphrase: string | undefined;
}

/** A parsed request to schedule a deletion. */
export interface DeletionRequest extends KeyRequest {
  readonly pendingWindowInDays: number;
}

/** An alias, and its key. */
export interface AliasRequest extends KeyRequest {
  readonly alias: string;
}

const DEFAULT_WINDOW = 30;

const MAXIMUM_DESCRIPTION_LENGTH = 8192;

/** Longest key material in any encoding, in bytes or characters. */
const MAXIMUM_ENCODED = 1024 * 1024;

export function parseCreateKeyInput(input: unknown): CreateKeyRequest {
  const names = ['keySpec', 'keyUsage', 'origin', 'description', 'alias'] as const;
  const fields = readFields(input === undefined ? {} : input, 'input', names);
  const keySpec = parseKeySpec(fields.keySpec, 'keySpec');
  const { origin = 'AWS_KMS', description = '' } = fields;
  if (origin !== 'AWS_KMS' && origin !== 'EXTERNAL') {
    throw new InvalidInputError('origin', 'must be AWS_KMS or EXTERNAL');
  }
  const isText = typeof description === 'string' && description.isWellFormed();
  if (!isText || description.length > MAXIMUM_DESCRIPTION_LENGTH) {
    throw new InvalidInputError(
      'description',
      `must be a string of well-formed Unicode, at most ${MAXIMUM_DESCRIPTION_LENGTH} characters`,
    );
  }
  return {
    keySpec,
    keyUsage: parseKeyUsage(fields.keyUsage, keySpec, 'keyUsage'),
    origin,
    description,
    alias: fields.alias === undefined ? undefined : parseAlias(fields.alias),
  };
}

export function parseImportInput(input: unknown): ImportRequest {
  const names = ['keyId', 'keyMaterial', 'passphrase'] as const;
  const { keyId, keyMaterial, passphrase } = readFields(input, 'input', names);
  return {
    key: parseKeyId(keyId),
    keyMaterial: parseKeyMaterial(keyMaterial, 'keyMaterial'),
    passphrase: parsePassphrase(passphrase, 'passphrase'),
  };
}

export function parseExportInput(input: unknown): ExportRequest {
  const names = ['keyId', 'format', 'passphrase'] as const;
  const { keyId, format, passphrase } = readFields(input, 'input', names);
  const known = EXPORT_FORMATS.find((candidate) => candidate === format);
  if (known === undefined) {
    throw new InvalidInputError('format', `must be one of ${EXPORT_FORMATS.join(', ')}`);
  }
  return {
    key: parseKeyId(keyId),
    format: known,
    passphrase: parsePassphrase(passphrase, 'passphrase'),
  };
}

export function parseDeletionInput(input: unknown): DeletionRequest {
  const fields = readFields(input, 'input', ['keyId', 'pendingWindowInDays']);
  const { pendingWindowInDays: days = DEFAULT_WINDOW } = fields;
  if (typeof days !== 'number' || !Number.isInteger(days) || days < 7 || days > 30) {
    throw new InvalidInputError('pendingWindowInDays', 'must be an integer from 7 to 30');
  }
  return { key: parseKeyId(fields.keyId), pendingWindowInDays: days };
}

export function parseAliasInput(input: unknown): AliasRequest {
  const { alias, keyId } = readFields(input, 'input', ['alias', 'keyId']);
  return { alias: parseAlias(alias), key: parseKeyId(keyId) };
}

export function parseAliasName(input: unknown): { readonly alias: string } {
  return { alias: parseAlias(readFields(input, 'input', ['alias']).alias) };
}

/** Parses a name that a new key can have. */
export function parseNewName(value: unknown, field: string): KeyName {
  const name = parseKeyId(value, field);
  const problem = problemOfName(name);
  if (problem !== undefined) throw new InvalidInputError(field, problem);
  return name;
}

/** Parses the key spec of a new key; by default a symmetric one. */
export function parseKeySpec(value: unknown, field: string): KeySpec {
  if (value === undefined) return 'SYMMETRIC_DEFAULT';
  if (isKeySpec(value)) return value;
  throw new InvalidInputError(field, `must be one of ${KEY_SPECS.join(', ')}`);
}

/**
 * Parses the usage of a new key; by default the usual one of its key spec
 * ([CreateKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html)).
 */
export function parseKeyUsage(value: unknown, keySpec: KeySpec, field: string): KeyUsage {
  const usages = keyUsagesOf(keySpec);
  const usage = value === undefined ? usages[0] : usages.find((candidate) => candidate === value);
  if (usage !== undefined) return usage;
  throw new InvalidInputError(field, `must be ${usages.join(' or ')} for ${keySpec}`);
}

/** Copies key material that a caller passed. */
export function parseKeyMaterial(value: unknown, field: string): Uint8Array | string {
  if (typeof value !== 'string') return readBytes(value, field, MAXIMUM_ENCODED);
  if (value.length > 0 && value.length <= MAXIMUM_ENCODED) return value;
  throw new InvalidInputError(field, `must have 1 to ${MAXIMUM_ENCODED} characters`);
}

export function parsePassphrase(value: unknown, field: string): string | undefined {
  if (value === undefined) return undefined;
  // Unpaired surrogates have no encoding: different passphrases would be encoded to the same bytes.
  if (typeof value === 'string' && value.isWellFormed()) return value;
  throw new InvalidInputError(field, 'must be a string of well-formed Unicode');
}

function parseAlias(value: unknown): string {
  const name = parseNewName(value, 'alias');
  if (name.kind === 'alias-name') return name.alias;
  throw new InvalidInputError('alias', 'must be alias/<name>');
}
