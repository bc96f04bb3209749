import { InvalidInputError, readBytes, readFields } from '@keywrap/core';
import type { AuditLogOptions } from './audit-log.js';
import type { VerifyAuditLogsOptions } from './audit-verify.js';
import type { ReadCheckpointsOptions } from './checkpoints.js';

const SHARED = ['folder', 'key', 'trustedGroup', 'storeId'] as const;
const NAMES = [...SHARED, 'actor', 'generation', 'checkpoint'] as const;
/** In bytes. */
const KEY_LENGTH = 32;

/**
 * Copies the options of an audit log, its key too.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong.
 */
export function parseAuditOptions(options: AuditLogOptions): AuditLogOptions {
  const fields = readFields(options, 'options', NAMES);
  const { actor, generation, checkpoint } = fields;
  check('actor', isText(actor), 'must be a string');
  check('generation', isFunction(generation), 'must be a function');
  check('checkpoint', isFunction(checkpoint), 'must be a function');
  return { ...(fields as unknown as AuditLogOptions), key: parseShared(fields) };
}

/**
 * Copies the options of a verification.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong.
 */
export function parseVerifyOptions(options: VerifyAuditLogsOptions): VerifyAuditLogsOptions {
  const fields = readFields(options, 'options', [...SHARED, 'checkpoints']);
  const { checkpoints } = fields;
  const areCheckpoints =
    checkpoints === undefined || (Array.isArray(checkpoints) && checkpoints.every(isCheckpoint));
  check('checkpoints', areCheckpoints, 'must be a list of checkpoints');
  return { ...(fields as unknown as VerifyAuditLogsOptions), key: parseShared(fields) };
}

/**
 * Copies the options of reading checkpoints.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong.
 */
export function parseReadOptions(options: ReadCheckpointsOptions): ReadCheckpointsOptions {
  const fields = readFields(options, 'options', ['trustedGroup']);
  checkGroup(fields.trustedGroup);
  return fields as ReadCheckpointsOptions;
}

/** Returns a copy of the key. */
function parseShared(fields: Readonly<Record<(typeof SHARED)[number], unknown>>): Uint8Array {
  const { folder, trustedGroup, storeId } = fields;
  const isPath = typeof folder === 'string' && folder !== '' && !folder.includes('\0');
  check('folder', isPath, 'must be the path of a folder');
  check('storeId', isText(storeId), 'must be a string');
  checkGroup(trustedGroup);
  const key = readBytes(fields.key, 'options.key', KEY_LENGTH);
  check('key', key.length === KEY_LENGTH, `must be ${KEY_LENGTH} bytes`);
  return key;
}

function checkGroup(group: unknown): void {
  const isId = Number.isSafeInteger(group) && Number(group) >= 0;
  check('trustedGroup', group === undefined || isId, 'must be the id of a group');
}

function isCheckpoint(value: unknown): boolean {
  const { log, mac, lines, generation } = Object(value);
  return (
    typeof log === 'string' &&
    typeof mac === 'string' &&
    Number.isSafeInteger(lines) &&
    (generation === undefined || Number.isSafeInteger(generation))
  );
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isFunction(value: unknown): boolean {
  return value === undefined || typeof value === 'function';
}

function check(name: string, isValid: boolean, problem: string): void {
  if (!isValid) throw new InvalidInputError(`options.${name}`, problem);
}
