import fc from 'fast-check';
import {
  type Asn1,
  derBytes,
  nullValue,
  octetString,
  parseDer,
  sequence,
} from '../../../packages/provider-local/dist/cipher/engines/forge/der.js';
import type { Mutation } from './mutation.js';

// Changes of bytes mostly break the lengths around them, and DER with a wrong length is rejected before
// anything looks at it. These change the tree, and write it with its lengths.

type Change = (value: Asn1, all: readonly Asn1[]) => Asn1[];

const CONTENTS = [
  '',
  '\0',
  '\x01',
  '\x02',
  '\x7f',
  '\x80',
  '\xff',
  '\0\x80',
  '\xff'.repeat(9),
  '\0'.repeat(64),
];

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constant((): Asn1[] => []),
  fc.constant((value: Asn1) => [value, value]),
  fc.constant((value: Asn1) => [sequence(value)]),
  fc.constant(() => [nullValue()]),
  fc.constant((value: Asn1) => (typeof value.value === 'string' ? [value] : [...value.value])),
  fc.nat().map(
    (other): Change =>
      (_, all) => [all[other % all.length] as Asn1],
  ),
  fc.nat(0x1e).map(
    (type): Change =>
      (value) => [{ ...value, type: type as Asn1['type'] }],
  ),
  fc.constantFrom(0, 0x40, 0x80, 0xc0).map(
    (tagClass): Change =>
      (value) => [{ ...value, tagClass: tagClass as Asn1['tagClass'] }],
  ),
  fc.constantFrom(...CONTENTS).map(
    (content): Change =>
      (value) => [
        typeof value.value === 'string'
          ? { ...value, value: content }
          : octetString(Buffer.from(content, 'latin1')),
      ],
  ),
);

/** Changes one value in DER that begins at `offset`: also in DER within an OCTET STRING. */
export function derMutation(offset: number): fc.Arbitrary<Mutation> {
  return fc.tuple(fc.nat(0xffff), change).map(
    ([at, changed]): Mutation =>
      (bytes) => {
        try {
          const root = parseDer(bytes.slice(offset));
          const all = flattened(root);
          const wanted = all[at % all.length] as Asn1;
          const [first = nullValue()] = rebuilt(root, wanted, (value) => changed(value, all));
          return Uint8Array.of(...bytes.subarray(0, offset), ...derBytes(first));
        } catch {
          return bytes; // no longer DER
        }
      },
  );
}

/** Every value in it, and in the OCTET STRINGs that hold DER. */
function flattened(value: Asn1): Asn1[] {
  return [value, ...(childrenOf(value) ?? []).flatMap(flattened)];
}

/** The same tree, but with something else in the place of one value. */
function rebuilt(value: Asn1, wanted: Asn1, change: (value: Asn1) => Asn1[]): Asn1[] {
  if (value === wanted) return change(value);
  const children = childrenOf(value);
  if (children === undefined) return [value];
  const items = children.flatMap((child) => rebuilt(child, wanted, change));
  if (typeof value.value !== 'string') return [{ ...value, value: items }];
  return [{ ...value, value: Buffer.concat(items.map(derBytes)).toString('latin1') }];
}

const nested = new WeakMap<Asn1, Asn1[]>();

function childrenOf(value: Asn1): Asn1[] | undefined {
  if (typeof value.value !== 'string') return value.value;
  const OCTET_STRING = 4;
  if (value.type !== OCTET_STRING || !value.value.startsWith('0')) return undefined; // 0x30: SEQUENCE
  const known = nested.get(value);
  if (known !== undefined) return known;
  try {
    const children = [parseDer(Buffer.from(value.value, 'latin1'))];
    nested.set(value, children);
    return children;
  } catch {
    return undefined;
  }
}
