import type { ParsedKeyId } from '@keywrap/core';

// The id must fit an ARN, and its length the one byte that a blob has for it.
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$/;

const MAXIMUM_ALIAS_LENGTH = 256;

/** Distinguishes aliases from keys by their kind, because fields may come from a polluted Object.prototype. */
export function isAlias(name: ParsedKeyId): name is ParsedKeyId & { readonly alias: string } {
  return name.kind === 'alias-name' || name.kind === 'alias-arn';
}

/**
 * Returns the reason why no key can have this name
 * ([CreateAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html));
 * `undefined` if one can.
 */
export function problemOfName(
  name: { readonly id: string } | { readonly alias: string },
): string | undefined {
  if ('id' in name) {
    if (ID.test(name.id)) return undefined;
    return "must be the id of a key: 1 to 255 letters, digits, '-' and '_'";
  }
  if (name.alias.length > MAXIMUM_ALIAS_LENGTH) {
    return `must be alias/<name>, with at most ${MAXIMUM_ALIAS_LENGTH} characters`;
  }
  if (name.alias.startsWith('alias/aws/')) {
    return 'must not begin with alias/aws/, which AWS reserves';
  }
  return undefined;
}
