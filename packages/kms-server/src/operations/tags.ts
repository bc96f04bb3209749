import { findKey } from '../keys/find-key.js';
import { assertState } from '../keys/key-state.js';
import { withoutTags, withTags } from '../keys/tags.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { page } from './page.js';

/** [TagResource](https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html) */
export function tagResource({ KeyId, Tags }: RequestOf<'TagResource'>, { keys }: Region) {
  const key = findKey(keys, KeyId);
  assertState('TagResource', key, keys);
  keys.change(key.id, (current) => ({ ...current, tags: withTags(current.tags, Tags) }));
}

/** [UntagResource](https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html) */
export function untagResource({ KeyId, TagKeys }: RequestOf<'UntagResource'>, { keys }: Region) {
  const key = findKey(keys, KeyId);
  assertState('UntagResource', key, keys);
  keys.change(key.id, (current) => ({ ...current, tags: withoutTags(current.tags, TagKeys) }));
}

/** [ListResourceTags](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html) */
export function listResourceTags(request: RequestOf<'ListResourceTags'>, { keys }: Region) {
  const { items, members } = page(findKey(keys, request.KeyId).tags, request, {
    list: 'tags',
    nameOf: ({ TagKey }) => TagKey,
    byDefault: 50,
    maximum: 50,
  });
  return { Tags: items, ...members };
}
