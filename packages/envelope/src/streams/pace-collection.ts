const PIECE = 512;
/** Has each piece for a moment: what is nowhere would not even be allocated. */
const garbage: { last: unknown } = { last: undefined };

/**
 * Leaves garbage on V8's own heap, half as long as the bytes that a stream has worked on, so that V8 collects in time. V8
 * starts when its heap has grown, and counts the memory of buffers only from tens of MiB on: a stream, which leaves little
 * but buffers, would hold all of that. More garbage saves nothing: after many collections V8 gives it more room.
 */
export function paceCollection(bytes: number): void {
  // An element takes eight bytes.
  for (let left = bytes >>> 4; left > 0; left -= PIECE) garbage.last = new Array(PIECE);
  // What is alive at a collection lets V8 give more room to garbage.
  garbage.last = undefined;
}
