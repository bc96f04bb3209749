import type { EncryptionContext } from '../encryption-context.js';

// Two calls may share a key when everything that they ask of the provider is the same. What is put
// together here can be taken apart again in one way only, so no two different questions look alike.

/** What a call names, apart from the ciphertext or the length of the data key. */
export interface Question {
  /** As the caller named the key. Two names of one key don't share: an alias can be moved. */
  readonly keyId: string | undefined;
  readonly encryptionContext: EncryptionContext;
  /** A call without the right grant must not profit from one that had it. */
  readonly grantTokens?: readonly string[] | undefined;
}

/** Names a question and what it is about: the length of a data key, or a ciphertext. */
export function cacheKey(
  { keyId = '', encryptionContext, grantTokens }: Question,
  about: number | Uint8Array,
): string {
  // Neither a key identifier nor JSON has a line break in it, and nobody's key identifier is empty.
  const grants = grantTokens === undefined ? '' : JSON.stringify(grantTokens);
  const subject = typeof about === 'number' ? about : String.fromCharCode(...about);
  return `${keyId}\n${grants}\n${contextKey(encryptionContext)}\n${subject}`;
}

/** Each name and value after its length, sorted: another order is the same context. */
function contextKey(context: EncryptionContext): string {
  const names = Object.keys(context).sort();
  let key = `${names.length}`;
  for (const name of names) {
    const value = context[name] as string;
    key += `,${name.length}:${name}${value.length}:${value}`;
  }
  return key;
}
