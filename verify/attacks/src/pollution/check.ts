import type { KeyWrapProvider } from '@keywrap/core';
import { RIGHT_KEY } from './subjects.js';

/** What a provider did while the prototype was polluted. */
export type Verdict =
  | { readonly outcome: 'works' }
  | { readonly outcome: 'refuses'; readonly reason: string }
  /** It did something else than it was asked. */
  | { readonly outcome: 'is misled'; readonly reason: string };

type Around = <T>(work: () => Promise<T>) => Promise<T>;

const PLAINTEXT = [1, 2, 3, 4, 5];
const CONTEXT = { tenant: 'a' };

/**
 * Encrypts, decrypts, re-encrypts and makes data keys while the prototype is polluted, and looks at what
 * came of it when it is clean again.
 *
 * @param polluted Does the work while it is polluted.
 */
export async function check(provider: KeyWrapProvider, polluted: Around): Promise<Verdict> {
  const keyId = RIGHT_KEY;
  const { keyId: arn } = await provider.describeKey({ keyId });
  const plaintext = Uint8Array.from(PLAINTEXT);
  const before = await provider.encrypt({ keyId, plaintext });
  const opens = async (ciphertext: Uint8Array, expected: Uint8Array, encryptionContext = {}) => {
    const opened = await provider.decrypt({ keyId: arn, ciphertext, encryptionContext });
    if (Buffer.compare(opened.plaintext, expected) !== 0) throw new Error('another plaintext');
  };
  /** Does a call under pollution; what it gives is judged afterwards. */
  const attempt = async <T extends object>(
    call: () => Promise<T>,
    judge: (result: T) => Promise<void>,
  ): Promise<Verdict> => {
    let result: T;
    try {
      result = (await polluted(async () => [await call()]))[0] as T;
    } catch (error) {
      return { outcome: 'refuses', reason: String(error) };
    }
    try {
      await judge(result);
      return { outcome: 'works' };
    } catch (error) {
      return { outcome: 'is misled', reason: `${call}: ${error}` };
    }
  };
  const is = (what: string, actual: unknown, expected: unknown) => {
    if (actual !== expected) throw new Error(`${what} is ${actual}`);
  };
  const verdicts = [
    await attempt(
      () => provider.encrypt({ keyId, plaintext }),
      async (sealed) => {
        is('keyId', sealed.keyId, arn);
        await opens(sealed.ciphertext, plaintext);
      },
    ),
    await attempt(
      () => provider.encrypt({ keyId, plaintext, encryptionContext: CONTEXT }, {}),
      async (sealed) => {
        is('keyId', sealed.keyId, arn);
        await opens(sealed.ciphertext, plaintext, CONTEXT);
      },
    ),
    await attempt(
      () => provider.decrypt({ ciphertext: before.ciphertext }),
      async (opened) => {
        is('keyId', opened.keyId, arn);
        is('plaintext', String(opened.plaintext), String(plaintext));
      },
    ),
    await attempt(
      () =>
        provider.reEncrypt({
          ciphertext: before.ciphertext,
          source: {},
          destination: { keyId },
        }),
      async (moved) => {
        is('destinationKeyId', moved.destinationKeyId, arn);
        await opens(moved.ciphertext, plaintext);
      },
    ),
    await attempt(
      () => provider.generateDataKey({ keyId, keySpec: 'AES_256' }),
      async (dataKey) => {
        is('the length', dataKey.plaintext.length, 32);
        await opens(dataKey.ciphertext, dataKey.plaintext);
      },
    ),
  ];
  return (
    verdicts.find(({ outcome }) => outcome === 'is misled') ??
    verdicts.find(({ outcome }) => outcome === 'refuses') ?? { outcome: 'works' }
  );
}
