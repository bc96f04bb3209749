import { randomBytes } from 'node:crypto';
import { KEYS } from './keys.js';
import { assertSame, attempt, type Outcome } from './outcome.js';
import type { Session } from './session.js';

/** A way to encrypt, and to decrypt again. */
interface Way {
  readonly title: string;
  readonly operation: 'context' | 'algorithm';
  readonly keyId: string;
  /** The encryption context, or the algorithm. */
  readonly argument: string;
  /** The most bytes that KMS accepts in this way. */
  readonly length: number;
}

const WAYS: readonly Way[] = [
  {
    title: 'symmetric',
    operation: 'algorithm',
    keyId: KEYS.first,
    argument: 'SYMMETRIC_DEFAULT',
    length: 4096,
  },
  {
    title: 'with an encryption context',
    operation: 'context',
    keyId: KEYS.first,
    // Each language orders the pairs in its own way; U+FF5E and U+1F511 differ in UTF-8 and UTF-16 order.
    argument: '{"～":"3","order":"1234","ab":"c","🔑":"4","a":"bc","Straße":"Zürich"}',
    length: 4096,
  },
  {
    title: 'RSAES_OAEP_SHA_1',
    operation: 'algorithm',
    keyId: KEYS.rsa,
    argument: 'RSAES_OAEP_SHA_1',
    length: 214,
  },
  {
    title: 'RSAES_OAEP_SHA_256',
    operation: 'algorithm',
    keyId: KEYS.rsa,
    argument: 'RSAES_OAEP_SHA_256',
    length: 190,
  },
];

/** The outcome of one client decrypting what another encrypted. */
export interface Pair {
  readonly writer: string;
  readonly reader: string;
  readonly outcome: Outcome;
}

/** Has every client decrypt what every client encrypted, in each way. */
export async function runCross(sessions: readonly Session[]): Promise<Pair[]> {
  const letters = (await Promise.all(sessions.map(write))).flat();
  return (await Promise.all(sessions.map((reader) => read(reader, letters)))).flat();
}

/** A plaintext and its ciphertext, or why there is none, which each reader reports. */
interface Letter {
  readonly writer: string;
  readonly way: Way;
  readonly plaintext: Buffer;
  readonly ciphertext: Promise<Buffer>;
}

async function write(session: Session): Promise<Letter[]> {
  const letters: Letter[] = [];
  for (const way of WAYS) {
    const { operation, keyId, argument, length } = way;
    const plaintext = randomBytes(length);
    const ciphertext = session.call(`encrypt-with-${operation}`, keyId, plaintext, argument);
    await ciphertext.catch(() => {});
    letters.push({ writer: session.client, way, plaintext, ciphertext });
  }
  return letters;
}

async function read(session: Session, letters: readonly Letter[]): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const { writer, way, plaintext, ciphertext } of letters) {
    const { title, operation, keyId, argument } = way;
    const outcome = await attempt(`${writer} to ${session.client}: ${title}`, async () => {
      const blob = await ciphertext;
      assertSame(await session.call(`decrypt-with-${operation}`, keyId, blob, argument), plaintext);
    });
    pairs.push({ writer, reader: session.client, outcome });
  }
  return pairs;
}
