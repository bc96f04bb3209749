import { generateKeyPairSync } from 'node:crypto';
import { open, openStream } from '@keywrap/envelope';
import { expect } from 'chai';
import { Author, counted, pairs, uint16 } from './author.js';
import { hex, knowing, randomBytes, rejection } from './support.js';

const OPEN = { trustedKeys: ['alias/known'], encryptionContext: {} };
const [A, B, C] = [randomBytes(100), randomBytes(100), randomBytes(7)];

/** Opens in one call and as a stream, byte by byte too; expects the same of all. */
async function outcomeOf(author: Author, message: Uint8Array): Promise<string> {
  await using keys = knowing('known', author.dataKey);
  const whole = async () => {
    using opened = await open(keys, message, OPEN);
    return hex(opened.plaintext);
  };
  const streamed = async (chunks: Iterable<Uint8Array>) => {
    const left: Uint8Array[] = [];
    await ReadableStream.from(chunks)
      .pipeThrough(openStream(keys, OPEN))
      .pipeTo(new WritableStream({ write: (part) => void left.push(part) }));
    return hex(Buffer.concat(left));
  };
  const bytes = Array.from(message, (_, i) => message.subarray(i, i + 1));
  const outcomes = await Promise.all(
    [whole(), streamed([message]), streamed(bytes)].map((opening) =>
      opening.catch((error: { code?: string }) => error.code ?? error),
    ),
  );
  expect(new Set(outcomes).size, `${outcomes}`).to.equal(1);
  return outcomes[0] as string;
}

type Make = (author: Author) => readonly Uint8Array[];

/** Signs what the parts are, with what is changed of the signature. */
const signed =
  (
    context: (author: Author) => Buffer,
    change: (signature: Buffer) => Uint8Array = (same) => same,
  ): Make =>
  (author) => {
    const parts = [author.header({ context: context(author) }), author.final(1, C)];
    return [...parts, counted(change(author.sign(...parts)))];
  };

const withKey = (key: (author: Author) => Uint8Array | string) =>
  signed((author) => {
    const value = key(author);
    const text = typeof value === 'string' ? value : Buffer.from(value).toString('base64');
    return pairs(['aws-crypto-public-key', text]);
  });

const compressed = (author: Author) => Buffer.from(author.publicKey[1], 'base64');

const NOT_SIGNED: Readonly<Record<string, Make>> = {
  'with a pair twice': (author) => [
    author.header({ context: pairs(['a', '1'], ['a', '1']) }),
    author.final(1, C),
  ],
  'with a name twice': (author) => [
    author.header({ context: pairs(['a', '1'], ['a', '2']) }),
    author.final(1, C),
  ],
  'with a name that is not UTF-8': (author) => [
    author.header({ context: pairs([Buffer.of(0xff), '1']) }),
    author.final(1, C),
  ],
  'with a value that is half a surrogate pair': (author) => [
    author.header({ context: pairs(['a', Buffer.of(0xed, 0xa0, 0x80)]) }),
    author.final(1, C),
  ],
  'with a longer form of a character': (author) => [
    author.header({ context: pairs([Buffer.of(0xc1, 0xa1), '1']) }),
    author.final(1, C),
  ],
  'with the name __proto__': (author) => [
    author.header({ context: pairs(['__proto__', '1']) }),
    author.final(1, C),
  ],
  'with no pairs that are counted': (author) => [
    author.header({ context: pairs() }),
    author.final(1, C),
  ],
  'with fewer pairs than counted': (author) => [
    author.header({ context: Buffer.concat([uint16(2), pairs(['a', '1']).subarray(2)]) }),
    author.final(1, C),
  ],
  'with bytes after its pairs': (author) => [
    author.header({ context: Buffer.concat([pairs(['a', '1']), Buffer.of(0)]) }),
    author.final(1, C),
  ],
  'with a public key, but of a suite that does not sign': (author) => [
    author.header({ context: pairs(author.publicKey) }),
    author.final(1, C),
  ],
  'with a provider id that is not UTF-8': (author) => [
    author.header({ providerId: Buffer.of(0x6b, 0xff) }),
    author.final(1, C),
  ],
  'of an unknown content type': (author) => [author.header({ contentType: 3 }), author.final(1, C)],
  'with frames of no bytes': (author) => [author.header({ frameLength: 0 }), author.final(1, C)],
  'without frames, with a frame length': (author) => [
    author.header({ contentType: 1 }),
    author.single(C),
  ],
  'whose first frame has the number 0': (author) => [
    author.header(),
    author.frame(0, A),
    author.final(1, C),
  ],
  'whose first frame has the number 2': (author) => [
    author.header(),
    author.frame(2, A),
    author.final(3, C),
  ],
  'whose frames are in another order': (author) => [
    ...[author.header(), author.frame(2, B), author.frame(1, A), author.final(3, C)],
  ],
  'with a number twice': (author) => [
    ...[author.header(), author.frame(1, A), author.frame(1, B), author.final(2, C)],
  ],
  'whose final frame has the number of the one before': (author) => [
    ...[author.header(), author.frame(1, A), author.final(1, C)],
  ],
  'whose final frame leaves a number out': (author) => [
    author.header(),
    author.frame(1, A),
    author.final(3, C),
  ],
  'with two final frames': (author) => [author.header(), author.final(1, A), author.final(2, C)],
  'with a regular frame after the final one': (author) => [
    author.header(),
    author.final(1, A),
    author.frame(2, B),
  ],
  'without a final frame': (author) => [author.header(), author.frame(1, A), author.frame(2, B)],
  'whose final frame is longer than its frames': (author) => [
    author.header(),
    author.final(1, randomBytes(101)),
  ],
  'whose final frame is as long as it is not': (author) => [
    author.header(),
    author.final(1, A, { length: 99 }),
  ],
  'whose regular frame is short': (author) => [
    author.header(),
    author.frame(1, C),
    author.final(2, C),
  ],
  'with the frames of another message under its data key': (author) => {
    const other = new Author();
    other.dataKey.set(author.dataKey);
    return [author.header(), other.final(1, C)];
  },
  'with a footer, but not signed': (author) => {
    const parts = [author.header(), author.final(1, C)];
    return [...parts, counted(author.sign(...parts))];
  },
};

const SIGNED: Readonly<Record<string, Make>> = {
  'without a public key': signed(() => pairs(['a', '1'])),
  'with a public key that is not base64': withKey(() => '*'),
  'with base64 without its padding, or with bits that do not count': withKey(({ publicKey }) =>
    publicKey[1].replace(/=$/, ''),
  ),
  'with a point that is not compressed': withKey(({ point: { x, y } }) =>
    Buffer.concat([Buffer.of(4), x, y]),
  ),
  'with a hybrid point': withKey(({ point: { x, y } }) =>
    Buffer.concat([Buffer.of(6 + ((y.at(-1) as number) & 1)), x, y]),
  ),
  'with the other point of the same x': withKey((author) => {
    const point = compressed(author);
    point[0] = (point[0] as number) ^ 1;
    return point;
  }),
  'with a point at infinity': withKey(() => Buffer.of(0)),
  'with an x of no point': withKey(() =>
    Buffer.concat([Buffer.of(2), Buffer.alloc(47), Buffer.of(1)]),
  ),
  'with an x above the field': withKey(() => Buffer.concat([Buffer.of(2), Buffer.alloc(48, 0xff)])),
  'with a point of P-256': withKey(() => {
    const { x = '' } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
      format: 'jwk',
    });
    return Buffer.concat([Buffer.of(2), Buffer.from(x, 'base64url')]);
  }),
  "with another's public key": withKey(() => compressed(new Author())),
  'with a byte after its signature': signed(
    ({ publicKey }) => pairs(publicKey),
    (der) => Buffer.concat([der, Buffer.of(0)]),
  ),
  'with a longer form of the length of its signature': signed(
    ({ publicKey }) => pairs(publicKey),
    (der) => Buffer.concat([Buffer.of(0x30, 0x81, der.length - 2), der.subarray(2)]),
  ),
  'with a signature of zeros': signed(
    ({ publicKey }) => pairs(publicKey),
    () => Buffer.from('3006020100020100', 'hex'),
  ),
  'with an empty signature': signed(
    ({ publicKey }) => pairs(publicKey),
    () => Buffer.alloc(0),
  ),
  'with a signature of its frames alone': (author) => {
    const parts = [
      author.header({ context: pairs(author.publicKey) }),
      author.final(1, C),
    ] as const;
    return [...parts, counted(author.sign(parts[1]))];
  },
  'without a footer': (author) => [
    author.header({ context: pairs(author.publicKey) }),
    author.final(1, C),
  ],
  'with two footers': (author) => {
    const parts = [author.header({ context: pairs(author.publicKey) }), author.final(1, C)];
    const footer = counted(author.sign(...parts));
    return [...parts, footer, footer];
  },
};

describe('Of authentic messages that break the specification, open, like damage,', () => {
  for (const [suite, cases] of [
    [0x0478, NOT_SIGNED],
    [0x0578, SIGNED],
  ] as const) {
    for (const [what, make] of Object.entries(cases)) {
      const kind = suite === 0x0578 ? `${what}, signed` : what;
      it(`rejects one ${kind}`, async () => {
        const author = new Author(suite);
        expect(await outcomeOf(author, Buffer.concat(make(author)))).to.equal('INVALID_CIPHERTEXT');
      });
    }
  }
});

const ALLOWED: Readonly<Record<string, Make>> = {
  'whose final frame is empty': (author) => [
    author.header(),
    author.frame(1, A),
    author.final(2, Buffer.alloc(0)),
  ],
  'whose final frame is as long as the others': (author) => [author.header(), author.final(1, A)],
  // The number alone tells the final frame.
  'whose content looks like a final frame': (author) => [
    ...[author.header(), author.frame(1, Buffer.alloc(100, 0xff)), author.final(2, C)],
  ],
  'without frames': (author) => [
    author.header({ contentType: 1, frameLength: 0 }),
    author.single(A),
  ],
  // The tag covers each frame's own IV, which is what the SDKs use.
  'whose IVs are not its numbers': (author) => [
    ...[
      author.header(),
      author.frame(1, A, { iv: randomBytes(12) }),
      author.final(2, C, { iv: randomBytes(12) }),
    ],
  ],
  'with names that every object has': (author) => [
    author.header({
      context: pairs(['constructor', '1'], ['hasOwnProperty', '2'], ['toString', '']),
    }),
    author.final(1, C),
  ],
  // The order has no meaning, and the tag covers it.
  'whose pairs are in the order of UTF-16': (author) => [
    author.header({ context: pairs(['🔑', '1'], ['～', '2']) }),
    author.final(1, C),
  ],
  'with another pair of the reserved names': (author) => [
    author.header({ context: pairs(['aws-crypto-other', '1']) }),
    author.final(1, C),
  ],
};

describe('An authentic message is opened', () => {
  for (const [what, make] of Object.entries(ALLOWED)) {
    it(what, async () => {
      const author = new Author();
      expect(await outcomeOf(author, Buffer.concat(make(author)))).to.match(/^[0-9a-f]+$/);
    });
  }

  it('signed', async () => {
    const author = new Author(0x0578);
    const message = Buffer.concat(signed(({ publicKey }) => pairs(publicKey))(author));
    expect(await outcomeOf(author, message)).to.equal(hex(C));
  });
});

describe('A data key of another provider', () => {
  it('is not tried, though its key has the same name', async () => {
    const author = new Author();
    const arn = 'arn:aws:kms:us-west-2:111122223333:key/known';
    const message = Buffer.concat([
      author.header({ providerId: 'other', keyName: arn }),
      author.final(1, C),
    ]);
    await using keys = knowing('known', author.dataKey);
    for (const trustedKeys of [[arn], ['alias/known']]) {
      const error = await rejection(open(keys, message, { ...OPEN, trustedKeys }));
      expect(error.code).to.equal('UNTRUSTED_KEY');
    }
  });
});

describe('The pairs that a message must have', () => {
  it('are its own, and none that every object has', async () => {
    const author = new Author();
    const message = Buffer.concat([
      author.header({ context: pairs(['a', '1']) }),
      author.final(1, C),
    ]);
    await using keys = knowing('known', author.dataKey);
    for (const name of ['constructor', 'toString', 'hasOwnProperty', 'A']) {
      const error = await rejection(
        open(keys, message, { ...OPEN, encryptionContext: { [name]: '1' } }),
      );
      expect(error.code).to.equal('INVALID_CIPHERTEXT');
    }
  });
});
