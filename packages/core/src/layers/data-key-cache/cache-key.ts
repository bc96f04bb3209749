import type { Call, Source } from '../../driver/requests.js';
import type { EncryptionContext } from '../../provider/encryption-context.js';

// Two calls may share a key when everything that they ask of the provider is the same. What is put
// together here can be taken apart again in one way only, so no two different questions look alike.

/**
 * Names a question.
 *
 * @param request The key counts as the caller named it: two names of one key don't share, because an alias
 * can be moved.
 * @param call A call without the right grant must not profit from one that had it.
 * @param about The length of a data key, or the ciphertext to open.
 */
export function cacheKey(request: Source, call: Call, about: number | Uint8Array): string {
  if (call.grantTokens !== undefined || typeof about !== 'number') {
    return makeCacheKey(request, call, about);
  }
  const { key, encryptionContext } = request;
  if (last.key !== key || last.encryptionContext !== encryptionContext || last.about !== about) {
    last = { key, encryptionContext, about, made: makeCacheKey(request, call, about) };
  }
  return last.made;
}

/** The key that was made last: to make one and to hash it takes longer than all else about a hit. */
let last: Partial<Source> & { readonly about: number; readonly made: string } = {
  about: 0,
  made: '',
};

function makeCacheKey(
  { key, encryptionContext }: Source,
  { grantTokens }: Call,
  about: number | Uint8Array,
): string {
  // Neither a key identifier nor JSON has a line break in it, and nobody's key identifier is empty.
  const grants = grantTokens === undefined ? '' : JSON.stringify(grantTokens);
  const subject =
    typeof about === 'number' ? about : Reflect.apply(String.fromCharCode, null, about);
  return `${key?.text ?? ''}\n${grants}\n${contextKey(encryptionContext)}\n${subject}`;
}

/** Each name and value after its length, sorted: another order is the same context. */
function contextKey(context: EncryptionContext): string {
  const names = Object.keys(context);
  if (names.length > 1) names.sort();
  let key = `${names.length}`;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const value = context[name] as string;
    key += `,${name.length}:${name}${value.length}:${value}`;
  }
  return key;
}
