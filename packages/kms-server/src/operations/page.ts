import type { Awaitable } from '@keywrap/core';
import { KmsError } from '../protocol/kms-error.js';

/** The page that a request asks for. */
interface PageRequest {
  readonly Limit?: number | undefined;
  readonly Marker?: string | undefined;
}

/** A list that is returned in pages. */
interface PagedList<Item> {
  /** The name of the list: a marker of another list is rejected. */
  readonly name: string;
  /** Returns a name that no other item has. Pages are in the order of these. */
  readonly nameOf: (item: Item) => string;
  /** The default number of items on a page. */
  readonly byDefault: number;
  /** The largest number of items on a page. */
  readonly maximum: number;
  /** Reads up to `limit` items whose names come after this one. */
  readonly read: (after: string | undefined, limit: number) => Awaitable<readonly Item[]>;
}

/** A page, and the members of the response that go with it. */
interface Page<Item> {
  readonly items: readonly Item[];
  readonly members: { readonly Truncated: boolean; readonly NextMarker?: string };
}

/**
 * Reads a page of a list. The marker holds the name of the last item, so items that are added or removed
 * between two requests move no others.
 *
 * @throws KmsError `InvalidMarkerException`
 */
export async function page<Item>(
  { Limit, Marker }: PageRequest,
  { name, nameOf, byDefault, maximum, read }: PagedList<Item>,
): Promise<Page<Item>> {
  const after = Marker === undefined ? undefined : parseMarker(Marker, name);
  const limit = Math.min(Limit ?? byDefault, maximum);
  const found = await read(after, limit + 1);
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return {
    items,
    members:
      found.length > limit && last !== undefined
        ? { Truncated: true, NextMarker: writeMarker(nameOf(last), name) }
        : { Truncated: false },
  };
}

/** Returns a page of a short list. */
export function pageOf<Item>(
  request: PageRequest,
  items: readonly Item[],
  list: Omit<PagedList<Item>, 'read'>,
): Promise<Page<Item>> {
  const named = items
    .map((item) => ({ item, name: list.nameOf(item) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const read = (after: string | undefined) =>
    named.filter(({ name }) => after === undefined || name > after).map(({ item }) => item);
  return page(request, { ...list, read });
}

function writeMarker(name: string, list: string): string {
  return Buffer.from(`${list}\n${name}`).toString('base64url');
}

function parseMarker(marker: string, list: string): string {
  const [markedList, ...name] = Buffer.from(marker, 'base64url').toString().split('\n');
  if (markedList === list) return name.join('\n');
  throw new KmsError('InvalidMarkerException', 'The marker is not of this list.');
}
