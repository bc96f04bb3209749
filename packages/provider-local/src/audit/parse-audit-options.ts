import { InvalidInputError, readBytes, readFields } from '@keywrap/core';
import type { AuditLogOptions } from './audit-log.js';

const NAMES = ['folder', 'key', 'actor', 'trustedGroup', 'storeId', 'generation'] as const;
/** In bytes. */
const KEY_LENGTH = 32;

/**
 * Copies the options of an audit log, its key too.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong.
 */
export function parseAuditOptions(options: AuditLogOptions): AuditLogOptions {
  const fields = readFields(options, 'options', NAMES);
  const check = (name: (typeof NAMES)[number], isValid: boolean, problem: string) => {
    if (!isValid) throw new InvalidInputError(`options.${name}`, problem);
  };
  const { folder, actor, trustedGroup, storeId, generation } = fields;
  const isPath = typeof folder === 'string' && folder !== '' && !folder.includes('\0');
  check('folder', isPath, 'must be the path of a folder');
  const isText = (value: unknown) => value === undefined || typeof value === 'string';
  check('actor', isText(actor), 'must be a string');
  check('storeId', isText(storeId), 'must be a string');
  const isId = Number.isSafeInteger(trustedGroup) && Number(trustedGroup) >= 0;
  check('trustedGroup', trustedGroup === undefined || isId, 'must be the id of a group');
  const isFunction = generation === undefined || typeof generation === 'function';
  check('generation', isFunction, 'must be a function');
  const key = readBytes(fields.key, 'options.key', KEY_LENGTH);
  check('key', key.length === KEY_LENGTH, `must be ${KEY_LENGTH} bytes`);
  return { ...(fields as unknown as AuditLogOptions), key };
}
