import { type EncryptionContext, serializeEncryptionContext } from '@keywrap/core';

const X = 'x'.repeat(300);

/** Contexts that are all different, and alike for careless software. */
const ALL: readonly EncryptionContext[] = [
  {},
  { tenant: 'a' },
  { tenant: 'b' },
  { tenant: 'A' },
  { Tenant: 'a' },
  { tenant: 'a ' },
  { tenant: '' },
  { '': 'a' },
  { tenant: 'a', user: '' },
  { tenant: 'a', user: 'b' },
  { tenant: 'b', user: 'a' },
  { tenant: 'a', user: 'b', purpose: 'c' },
  { tenant: 'a=b' },
  { 'tenant=a': 'b' },
  { tenant: 'a&user=b' },
  { tenant: 'a,user:b' },
  { tenant: '\u00e9' },
  { tenant: 'e\u0301' },
  { tenant: '\u{1f600}' },
  { tenant: '1' },
  { tenant: '01' },
  { '2': 'a', '10': 'b' },
  { '2': 'b', '10': 'a' },
  { constructor: 'a' },
  { toString: 'a', hasOwnProperty: 'b' } as unknown as EncryptionContext,
  { tenant: X },
  { tenant: `${X}x` },
  { tenant: `${X.slice(1)}y` },
  { [X]: 'a' },
  { [`${X}a`]: '' },
  { tenant: 'x'.repeat(8000) },
  { tenant: `${'x'.repeat(7999)}y` },
];

/** Returns those of the contexts whose serialisation is within a limit. */
export function contextsWithin(limit: number): readonly EncryptionContext[] {
  return ALL.filter((each) => serializeEncryptionContext(each).length <= limit);
}
