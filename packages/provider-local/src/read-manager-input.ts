import {
  type AliasInput,
  type ImportKeyMaterialInput,
  InvalidInputError,
  type KeyInput,
  type KeySpec,
  type KeyUsage,
  parseKeyId,
  readFields,
  readKeyInput,
  type ScheduleKeyDeletionInput,
} from '@keywrap/core';
import type { PrivateKeyFormat } from './key-files/index.js';
import { problemOfName } from './keys/key-name.js';
import { copyMaterial, readKeySpec, readKeyUsage, readPassphrase } from './keys/new-key.js';

// Reads what callers pass to the methods of KeyManager, as core does for those of KeyWrapProvider.

/** A key to make, complete. */
export interface NewKey {
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly origin: 'AWS_KMS' | 'EXTERNAL';
  readonly description: string;
  readonly alias: string | undefined;
}

const EXPORT_FORMATS = [
  'raw',
  'pkcs8-pem',
  'pkcs8-der',
  'pkcs1-pem',
  'pkcs8-encrypted-pem',
  'pkcs12',
] as const satisfies readonly ('raw' | PrivateKeyFormat)[];

/** How key material is written. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A deletion to schedule, complete. */
export type Deletion = ScheduleKeyDeletionInput & { readonly pendingWindowInDays: number };

const DEFAULT_WINDOW = 30;

const MAXIMUM_DESCRIPTION_LENGTH = 8192;

/** @throws {@link InvalidInputError} */
export function readCreateKeyInput(input: unknown): NewKey {
  const names = ['keySpec', 'keyUsage', 'origin', 'description', 'alias'] as const;
  const fields = readFields(input === undefined ? {} : input, 'input', names);
  const keySpec = readKeySpec(fields.keySpec, 'keySpec');
  const { origin = 'AWS_KMS', description = '' } = fields;
  if (origin !== 'AWS_KMS' && origin !== 'EXTERNAL') {
    throw new InvalidInputError('origin', 'must be AWS_KMS or EXTERNAL');
  }
  if (
    typeof description !== 'string' ||
    description.length > MAXIMUM_DESCRIPTION_LENGTH ||
    !description.isWellFormed()
  ) {
    throw new InvalidInputError(
      'description',
      `must be a string of well-formed Unicode, at most ${MAXIMUM_DESCRIPTION_LENGTH} characters`,
    );
  }
  return {
    keySpec,
    keyUsage: readKeyUsage(fields.keyUsage, keySpec, 'keyUsage'),
    origin,
    description,
    alias: fields.alias === undefined ? undefined : readAlias(fields.alias, 'alias'),
  };
}

/** @throws {@link InvalidInputError} */
export function readImportInput(input: unknown): ImportKeyMaterialInput {
  const fields = readFields(input, 'input', ['keyId', 'keyMaterial', 'passphrase']);
  return {
    ...readKeyInput({ keyId: fields.keyId }),
    keyMaterial: copyMaterial(fields.keyMaterial, 'keyMaterial'),
    passphrase: readPassphrase(fields.passphrase, 'passphrase'),
  };
}

/** A key whose material is to be taken out, and the form to write it in. */
export interface ExportKeyMaterialInput extends KeyInput {
  /** `raw` for a symmetric or HMAC key, one of the others for RSA and ECC. */
  readonly format: ExportFormat;
  /** For the formats that are encrypted. */
  readonly passphrase?: string | undefined;
}

/** @throws {@link InvalidInputError} */
export function readExportInput(input: unknown): ExportKeyMaterialInput {
  const { keyId, format, passphrase } = readFields(input, 'input', [
    'keyId',
    'format',
    'passphrase',
  ]);
  const known = EXPORT_FORMATS.find((candidate) => candidate === format);
  if (known === undefined) {
    throw new InvalidInputError('format', `must be one of ${EXPORT_FORMATS.join(', ')}`);
  }
  return {
    ...readKeyInput({ keyId }),
    format: known,
    passphrase: readPassphrase(passphrase, 'passphrase'),
  };
}

/** @throws {@link InvalidInputError} */
export function readDeletionInput(input: unknown): Deletion {
  const fields = readFields(input, 'input', ['keyId', 'pendingWindowInDays']);
  const { pendingWindowInDays: days = DEFAULT_WINDOW } = fields;
  if (typeof days !== 'number' || !Number.isInteger(days) || days < 7 || days > 30) {
    throw new InvalidInputError('pendingWindowInDays', 'must be an integer from 7 to 30');
  }
  return { ...readKeyInput({ keyId: fields.keyId }), pendingWindowInDays: days };
}

/** @throws {@link InvalidInputError} */
export function readAliasInput(input: unknown): AliasInput {
  const fields = readFields(input, 'input', ['alias', 'keyId']);
  return {
    alias: readAlias(fields.alias, 'alias'),
    ...readKeyInput({ keyId: fields.keyId }),
  };
}

/** @throws {@link InvalidInputError} */
export function readAliasName(input: unknown): { readonly alias: string } {
  return { alias: readAlias(readFields(input, 'input', ['alias']).alias, 'alias') };
}

function readAlias(value: unknown, field: string): string {
  const name = parseKeyId(value, field);
  if (name.kind !== 'alias-name') throw new InvalidInputError(field, 'must be alias/<name>');
  const problem = problemOfName(name);
  if (problem !== undefined) throw new InvalidInputError(field, problem);
  return name.alias;
}
