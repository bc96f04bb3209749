import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import type { KMS } from '@aws-sdk/client-kms';
import { DATA_KEY, KEYS } from './keys.js';
import { assertSame, attempt, type Outcome } from './outcome.js';
import { Rejected, type Session } from './session.js';

/** An operation that every client must support. */
interface Example {
  readonly title: string;
  run(session: Session, judge: KMS): Promise<void>;
}

// Not ASCII, because languages represent text differently.
const CONTEXT = '{"order":"1234","Straße":"Zürich"}';
const OTHER_CONTEXT = '{"order":"1234","Straße":"Zurich"}';

const EXAMPLES: readonly Example[] = [
  {
    title: 'encrypt',
    async run(session, judge) {
      const CiphertextBlob = await session.call('encrypt');
      const { Plaintext } = await judge.decrypt({ CiphertextBlob, KeyId: KEYS.first });
      assertSame(Plaintext, DATA_KEY);
    },
  },
  {
    title: 'decrypt',
    async run(session, judge) {
      const ciphertext = await encrypt(judge, KEYS.first);
      assertSame(await session.call('decrypt', ciphertext), DATA_KEY);
    },
  },
  {
    title: 're-encrypt',
    async run(session, judge) {
      const ciphertext = await encrypt(judge, KEYS.first);
      const CiphertextBlob = await session.call('re-encrypt', ciphertext);
      const { Plaintext } = await judge.decrypt({ CiphertextBlob, KeyId: KEYS.second });
      assertSame(Plaintext, DATA_KEY);
    },
  },
  {
    title: 'public key',
    async run(session) {
      const spki = await session.call('get-public-key', KEYS.rsa);
      const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
      const sealed = publicEncrypt(
        { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
        DATA_KEY,
      );
      assertSame(
        await session.call('decrypt-with-algorithm', KEYS.rsa, sealed, 'RSAES_OAEP_SHA_256'),
        DATA_KEY,
      );
    },
  },
  {
    title: 'wrong context',
    async run(session) {
      const ciphertext = await session.call('encrypt-with-context', KEYS.first, DATA_KEY, CONTEXT);
      await expectRejection('InvalidCiphertextException', () =>
        session.call('decrypt-with-context', KEYS.first, ciphertext, OTHER_CONTEXT),
      );
    },
  },
  {
    title: 'wrong key',
    async run(session, judge) {
      const ciphertext = await encrypt(judge, KEYS.second);
      await expectRejection('IncorrectKeyException', () => session.call('decrypt', ciphertext));
    },
  },
  {
    title: 'disabled key',
    async run(session) {
      await expectRejection('DisabledException', () =>
        session.call('encrypt-with-context', KEYS.disabled, DATA_KEY, CONTEXT),
      );
    },
  },
  {
    title: 'no such key',
    async run(session) {
      await expectRejection('NotFoundException', () =>
        session.call('encrypt-with-context', KEYS.missing, DATA_KEY, CONTEXT),
      );
    },
  },
];

/** The examples of {@link runExamples}, in this order. */
export const EXAMPLE_TITLES = [...EXAMPLES.map(({ title }) => title), 'wrong signature'];

/**
 * Runs all examples in a client.
 *
 * @param forger The same client with a secret that is not the server's.
 */
export async function runExamples(
  session: Session,
  forger: Session,
  judge: KMS,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { title, run } of EXAMPLES) {
    outcomes.push(await attempt(`${session.client}: ${title}`, () => run(session, judge)));
  }
  const forge = () => expectRejection('InvalidSignatureException', () => forger.call('encrypt'));
  return [...outcomes, await attempt(`${session.client}: wrong signature`, forge)];
}

async function encrypt(judge: KMS, KeyId: string): Promise<Uint8Array> {
  const { CiphertextBlob } = await judge.encrypt({ KeyId, Plaintext: DATA_KEY });
  return CiphertextBlob as Uint8Array;
}

async function expectRejection(exception: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (error instanceof Rejected && error.message === exception) return;
    throw error;
  }
  throw new Error(`it was not rejected with ${exception}`);
}
