import type { ParsedKeyId } from '@keywrap/core';

// So that the id fits an ARN, and the one byte in which a blob has its length.
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$/;

const MAXIMUM_ALIAS_LENGTH = 256;

/** Tells the names of aliases from those of keys; by their kind, because a polluted Object.prototype lends fields. */
export function isAlias(name: ParsedKeyId): name is ParsedKeyId & { readonly alias: string } {
  return name.kind === 'alias-name' || name.kind === 'alias-arn';
}

/**
 * Says why no key can be made under this name
 * ([CreateAlias](https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html));
 * `undefined` when one can.
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
    return 'must not begin with alias/aws/: AWS keeps that for itself';
  }
  return undefined;
}
