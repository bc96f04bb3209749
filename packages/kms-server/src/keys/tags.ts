import type { Tag } from '@keywrap/provider-local/keys';
import { KmsError } from '../protocol/kms-error.js';

const MAXIMUM = 50;

/** [Tags](https://docs.aws.amazon.com/kms/latest/developerguide/add-tags.html): letters, digits, spaces and some signs. */
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/**
 * Adds tags to those that a key has; one with the same key is replaced.
 *
 * @throws KmsError `TagException`
 */
export function withTags(
  current: readonly Tag[],
  requested: readonly { readonly TagKey: string; readonly TagValue: string }[],
): readonly Tag[] {
  const added = requested.map(({ TagKey, TagValue }) => ({ key: TagKey, value: TagValue }));
  assertTagKeys(added.map(({ key }) => key));
  if (new Set(added.map(({ key }) => key)).size < added.length) {
    throw tagError('Duplicate tag keys');
  }
  if (!added.every(({ key, value }) => ALLOWED.test(key) && ALLOWED.test(value))) {
    throw tagError('Tags have characters that are not allowed');
  }
  const tags = new Map([...current, ...added].map((tag) => [tag.key, tag]));
  if (tags.size > MAXIMUM) throw tagError('Too many tags');
  return [...tags.values()];
}

/**
 * Removes tags; those that the key does not have are ignored.
 *
 * @throws KmsError `TagException`
 */
export function withoutTags(current: readonly Tag[], keys: readonly string[]): readonly Tag[] {
  assertTagKeys(keys);
  return current.filter(({ key }) => !keys.includes(key));
}

function assertTagKeys(keys: readonly string[]): void {
  if (keys.some((key) => /^aws:/i.test(key)))
    throw tagError('Tags beginning with aws: are reserved');
}

function tagError(message: string): KmsError {
  return new KmsError('TagException', message);
}
