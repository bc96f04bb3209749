import { KmsError } from '../protocol/kms-error.js';
import type { Tag } from './kms-key.js';

const MAXIMUM = 50;

/** [Tags](https://docs.aws.amazon.com/kms/latest/developerguide/add-tags.html): letters, digits, spaces and some signs. */
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/**
 * Adds tags to those that a key has; one with the same key is replaced.
 *
 * @throws KmsError `TagException`
 */
export function withTags(current: readonly Tag[], added: readonly Tag[]): readonly Tag[] {
  assertTagKeys(added.map(({ TagKey }) => TagKey));
  if (new Set(added.map(({ TagKey }) => TagKey)).size < added.length) {
    throw tagError('Duplicate tag keys');
  }
  if (!added.every(({ TagKey, TagValue }) => ALLOWED.test(TagKey) && ALLOWED.test(TagValue))) {
    throw tagError('Tags have characters that are not allowed');
  }
  const tags = new Map([...current, ...added].map((tag) => [tag.TagKey, tag]));
  if (tags.size > MAXIMUM) throw tagError('Too many tags');
  return [...tags.values()];
}

/**
 * Takes tags away; those that are not there are ignored.
 *
 * @throws KmsError `TagException`
 */
export function withoutTags(current: readonly Tag[], keys: readonly string[]): readonly Tag[] {
  assertTagKeys(keys);
  return current.filter(({ TagKey }) => !keys.includes(TagKey));
}

function assertTagKeys(keys: readonly string[]): void {
  if (keys.some((key) => /^aws:/i.test(key)))
    throw tagError('Tags beginning with aws: are reserved');
}

function tagError(message: string): KmsError {
  return new KmsError('TagException', message);
}
