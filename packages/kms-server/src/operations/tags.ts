import { assertNotPendingDeletion } from '@keywrap/provider-local/keys';
import { findKey } from '../keys/find-key.js';
import { withoutTags, withTags } from '../keys/tags.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import { pageOf } from './page.js';

/** [TagResource](https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html) */
export async function TagResource({ KeyId, Tags }: RequestOf<'TagResource'>, { keys }: Region) {
  await keys.change(await findKey(keys, KeyId), (key) => {
    assertNotPendingDeletion(key);
    return { ...key, tags: withTags(key.tags, Tags) };
  });
}

/** [UntagResource](https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html) */
export async function UntagResource(
  { KeyId, TagKeys }: RequestOf<'UntagResource'>,
  { keys }: Region,
) {
  await keys.change(await findKey(keys, KeyId), (key) => {
    assertNotPendingDeletion(key);
    return { ...key, tags: withoutTags(key.tags, TagKeys) };
  });
}

/** [ListResourceTags](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html) */
export async function ListResourceTags(request: RequestOf<'ListResourceTags'>, { keys }: Region) {
  const { tags } = await findKey(keys, request.KeyId);
  const { items, members } = await pageOf(request, tags, {
    name: 'tags',
    nameOf: ({ key }) => key,
    byDefault: 50,
    maximum: 50,
  });
  return {
    Tags: items.map(({ key, value }) => ({ TagKey: key, TagValue: value })),
    ...members,
  };
}
