import type { Call, Source } from '../../driver/requests.js';
import type { EncryptionContext } from '../../provider/encryption-context.js';

// Two calls may share a secret if their requests are the same. The encoding is injective, so different requests
// never have the same cache key.

/**
 * Returns the cache key of a request.
 *
 * @param request The key is identified by the caller's text: two names of one key don't share, because an alias can
 * be moved.
 * @param call A call without the right grant must not share the result of one that had it.
 * @param about The length of a data key, or the ciphertext to decrypt.
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
  // Neither a key identifier nor JSON has a line break in it, and no key identifier is empty.
  const grants = grantTokens === undefined ? '' : JSON.stringify(grantTokens);
  const subject =
    typeof about === 'number' ? about : Reflect.apply(String.fromCharCode, null, about);
  return `${key?.text ?? ''}\n${grants}\n${contextKey(encryptionContext)}\n${subject}`;
}

/** Encodes each name and value after its length, sorted: the order of pairs does not matter. */
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
