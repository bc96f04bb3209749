import type { EncryptionContext } from '@keywrap/core';

/** A key of the bench: of the KMS server, the RSA key by its raw RSA name, or one of another provider of keywrap. */
export type KeyName = 'first' | 'second' | 'rsa-sha1' | 'rsa-sha256' | 'offline';

/** A message that every writer that can writes, and every reader reads. */
export interface Message {
  /** What it is an example of. */
  readonly kind: string;
  /** The id of the algorithm suite. */
  readonly suite: number;
  /** The keys that it is sealed under. It is opened with each of them alone. */
  readonly keys: readonly KeyName[];
  readonly context: EncryptionContext;
  /** In bytes; 0 for a message that is not framed. */
  readonly frameLength: number;
  /** The length of the plaintext, in bytes. */
  readonly length: number;
}

export const SUITES = [0x0478, 0x0578, 0x0378, 0x0346, 0x0214, 0x0178, 0x0114] as const;

/** The suites that commit to the data key, which are those that keywrap writes. */
export const COMMITTING: readonly number[] = [0x0478, 0x0578];

export const nameOf = (suite: number): string => `0x${suite.toString(16).padStart(4, '0')}`;

const MEBIBYTE = 2 ** 20;
const PLAIN: Message = {
  kind: '',
  suite: 0x0478,
  keys: ['first'],
  context: {},
  frameLength: 4096,
  length: 1000,
};
// U+FF5E and U+1F511 differ in UTF-8 and UTF-16 order.
const CONTEXT = { '～': '3', order: '1234', '🔑': '4', a: 'bc', ab: 'c', Straße: 'Zürich' };

const LENGTHS = [0, 1, 4096, 4097, 100_000, 8192];

const suites = SUITES.flatMap((suite, i) =>
  [4096, 0].flatMap((frameLength, j) =>
    [{}, CONTEXT].map((context, k): Message => {
      const length = LENGTHS[(i + 2 * j + k) % LENGTHS.length] as number;
      return {
        ...PLAIN,
        kind: `${nameOf(suite)} ${frameLength > 0 ? 'framed' : 'not framed'}`,
        ...{ suite, frameLength, context, length },
      };
    }),
  ),
);

const lengths = [0x0478, 0x0578].flatMap((suite) =>
  LENGTHS.map((length): Message => ({ ...PLAIN, kind: 'lengths', suite, length })),
);

const frames = [
  [1, 10],
  [16, 4096],
  [128, 4096],
  [2 ** 24, 100_000],
].map(
  ([frameLength = 0, length = 0]): Message => ({ ...PLAIN, kind: 'frames', frameLength, length }),
);

const contexts = [1, 10, 100].flatMap((count) =>
  [0x0478, 0x0578].map((suite): Message => {
    const pairs = Array.from({ length: count }, (_, i) => [`name ${i}`, `value ${i} ü`]);
    return { ...PLAIN, kind: 'contexts', suite, context: Object.fromEntries(pairs) };
  }),
);

const severalKeys = (
  [
    ['first', 'second'],
    ['second', 'first'],
    ['first', 'rsa-sha256'],
    ['first', 'second', 'rsa-sha1'],
    ['first', 'offline'],
  ] as const
).map((keys): Message => ({ ...PLAIN, kind: 'several keys', keys, context: CONTEXT }));

const rawRsa = (['rsa-sha1', 'rsa-sha256'] as const).flatMap((key) =>
  [0x0478, 0x0578, 0x0378, 0x0178, 0x0114].map(
    (suite): Message => ({ ...PLAIN, kind: 'raw RSA', suite, keys: [key], context: CONTEXT }),
  ),
);

const large: Message[] = [
  { ...PLAIN, kind: '100 MiB', frameLength: 65536, length: 100 * MEBIBYTE },
  { ...PLAIN, kind: '10 MiB, signed', suite: 0x0578, length: 10 * MEBIBYTE },
];

export const MESSAGES: readonly Message[] = [
  ...suites,
  ...lengths,
  ...frames,
  ...contexts,
  ...severalKeys,
  ...rawRsa,
  ...large,
];
