import { KmsError } from '../protocol/kms-error.js';

/** What a request says of the page that it wants. */
export interface PageRequest {
  readonly Limit?: number | undefined;
  readonly Marker?: string | undefined;
}

/** How a list is cut into pages. */
export interface PageOptions<Item> {
  /** Names the list: another list's marker is refused. */
  readonly list: string;
  /** A name of its own for each item. Pages are in the order of these. */
  readonly nameOf: (item: Item) => string;
  /** How many items a page has when the request does not say. */
  readonly byDefault: number;
  /** How many it has at most, whatever the request says. */
  readonly maximum: number;
}

/** A page, and the members of the response that go with it. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly members: { readonly Truncated: boolean; readonly NextMarker?: string };
}

/**
 * Cuts a page out of a list. The marker holds the name of the last item, so what comes or goes between
 * two requests moves nothing else.
 *
 * @throws KmsError `InvalidMarkerException`
 */
export function page<Item>(
  items: readonly Item[],
  { Limit, Marker }: PageRequest,
  { list, nameOf, byDefault, maximum }: PageOptions<Item>,
): Page<Item> {
  const after = Marker === undefined ? undefined : readMarker(Marker, list);
  const named = items.map((item) => ({ item, name: nameOf(item) }));
  const rest = named
    .filter(({ name }) => after === undefined || name > after)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const cut = rest.slice(0, Math.min(Limit ?? byDefault, maximum));
  const isTruncated = cut.length < rest.length;
  const last = cut.at(-1)?.name ?? '';
  return {
    items: cut.map(({ item }) => item),
    members: isTruncated
      ? { Truncated: true, NextMarker: writeMarker(last, list) }
      : { Truncated: false },
  };
}

function writeMarker(name: string, list: string): string {
  return Buffer.from(`${list}\n${name}`).toString('base64url');
}

function readMarker(marker: string, list: string): string {
  const [markedList, ...name] = Buffer.from(marker, 'base64url').toString().split('\n');
  if (markedList === list) return name.join('\n');
  throw new KmsError('InvalidMarkerException', 'The marker is not of this list.');
}
