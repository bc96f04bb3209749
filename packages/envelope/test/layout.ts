/** A part of a message: where it starts and ends, and what the specification calls it. */
export interface Part {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Takes a framed message of version 2 apart, by the tables of the specification and apart from the parser under
 * test. It believes the message.
 *
 * @param context Lists each pair.
 */
export function layoutOf(message: Uint8Array): readonly Part[] {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const parts: Part[] = [];
  let offset = 0;
  const part = (name: string, length: number) => {
    parts.push({ name, start: offset, end: offset + length });
    offset += length;
  };
  const counted = (name: string) => {
    part(`${name} length`, 2);
    part(name, view.getUint16(offset - 2));
  };
  part('version', 1);
  part('algorithm suite', 2);
  const isSigned = view.getUint16(1) === 0x0578;
  part('message id', 32);
  part('context length', 2);
  if (view.getUint16(offset - 2) > 0) {
    part('pair count', 2);
    const count = view.getUint16(offset - 2);
    for (let i = 0; i < count; i++) {
      counted(`name ${i}`);
      counted(`value ${i}`);
    }
  }
  part('data key count', 2);
  const dataKeys = view.getUint16(offset - 2);
  for (let i = 0; i < dataKeys; i++) {
    counted(`provider id ${i}`);
    counted(`provider info ${i}`);
    counted(`data key ${i}`);
  }
  part('content type', 1);
  part('frame length', 4);
  const frameLength = view.getUint32(offset - 4);
  part('commit key', 32);
  part('header tag', 16);
  for (let i = 1; view.getUint32(offset) !== 0xffffffff; i++) {
    part(`frame ${i} sequence number`, 4);
    part(`frame ${i} IV`, 12);
    part(`frame ${i} content`, frameLength);
    part(`frame ${i} tag`, 16);
  }
  part('final mark', 4);
  part('final sequence number', 4);
  part('final IV', 12);
  part('final length', 4);
  part('final content', view.getUint32(offset - 4));
  part('final tag', 16);
  if (isSigned) counted('signature');
  if (offset !== message.length) throw new Error(`${message.length - offset} bytes are left over`);
  return parts;
}
