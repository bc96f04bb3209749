import { findKey } from '../keys/find-key.js';
import { assertState } from '../keys/key-state.js';
import { withoutTags, withTags } from '../keys/tags.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { page } from './page.js';

/** [TagResource](https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html) */
export async function tagResource({ KeyId, Tags }: RequestOf<'TagResource'>, { keys }: Region) {
  const { id } = await findKey(keys, KeyId);
  await keys.change(id, (key) => {
    assertState('TagResource', key, keys);
    return { ...key, tags: withTags(key.tags, Tags) };
  });
}

/** [UntagResource](https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html) */
export async function untagResource(
  { KeyId, TagKeys }: RequestOf<'UntagResource'>,
  { keys }: Region,
) {
  const { id } = await findKey(keys, KeyId);
  await keys.change(id, (key) => {
    assertState('UntagResource', key, keys);
    return { ...key, tags: withoutTags(key.tags, TagKeys) };
  });
}

/** [ListResourceTags](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html) */
export async function listResourceTags(request: RequestOf<'ListResourceTags'>, { keys }: Region) {
  const { tags } = await findKey(keys, request.KeyId);
  const { items, members } = page(tags, request, {
    list: 'tags',
    nameOf: ({ TagKey }) => TagKey,
    byDefault: 50,
    maximum: 50,
  });
  return { Tags: items, ...members };
}
