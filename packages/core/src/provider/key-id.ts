import { InvalidInputError } from './errors.js';
import { LIMITS } from './key-spec.js';
import { ownFields } from './own-fields.js';

/** The scope of a KMS key or alias: the part of its ARN before the resource. */
export interface ArnScope {
  /** `aws`, `aws-cn`, `aws-us-gov`, ... */
  readonly partition: string;
  /** For example `eu-west-1`. */
  readonly region: string;
  /** The account: twelve digits on AWS. */
  readonly account: string;
}

/** A parsed key identifier, in one of the four forms that AWS KMS accepts as a `KeyId`. */
export type ParsedKeyId =
  | { readonly kind: 'key-id'; readonly id: string }
  | ({ readonly kind: 'key-arn'; readonly id: string } & ArnScope)
  | { readonly kind: 'alias-name'; readonly alias: string }
  | ({ readonly kind: 'alias-arn'; readonly alias: string } & ArnScope);

/** A key as the caller named it, parsed once; `text` is the caller's text. */
export type KeyName = ParsedKeyId & { readonly text: string };

const PART = '[^:%\\p{C}\\p{Z}]+';
const ID = '[A-Za-z0-9][A-Za-z0-9_-]*';
const ALIAS = 'alias/[A-Za-z0-9:/_-]+';
const ALIAS_RESOURCE = new RegExp(`^${ALIAS}$`);
// What needs no escape, in one pass: every result of every call is checked with it.
const KEY_ARN = new RegExp(`^arn:${PART}:kms:${PART}:${PART}:key/${ID}$`, 'u');
const PLAIN_ID = new RegExp(`^${ID}$`);
const ESCAPED_ID = /^[A-Za-z0-9%][A-Za-z0-9%_-]*$/;
// A backend's ids may be anything printable; spaces and control characters are mistakes.
const PRINTABLE = /^[^\p{C}\p{Z}]+$/u;

/** Caches parsed identifiers: a service uses few keys, and every call names one. */
const PARSED = new Map<unknown, KeyName>();
const MAXIMUM_PARSED = 500;

/**
 * Parses a key identifier: key id, key ARN, alias name or alias ARN
 * ([KeyId](https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id)).
 * Undoes the escapes of {@link formatKeyArn}, in an ARN and in an id that was taken from one.
 *
 * @param keyId 1 to 2048 characters.
 * @param field The name of the input in errors.
 * @throws {@link InvalidInputError} when it is none of the four.
 *
 * @example
 * ```ts
 * import { parseKeyId } from '@keywrap/core';
 *
 * parseKeyId('alias/orders'); // { kind: 'alias-name', text: 'alias/orders', alias: 'alias/orders' }
 * ```
 */
export function parseKeyId(keyId: unknown, field = 'keyId'): KeyName {
  const known = PARSED.get(keyId);
  if (known !== undefined) return known;
  const name = Object.freeze(parse(keyId, field));
  if (PARSED.size >= MAXIMUM_PARSED) PARSED.clear();
  PARSED.set(keyId, name);
  return name;
}

function parse(keyId: unknown, field: string): KeyName {
  if (typeof keyId !== 'string') {
    throw new InvalidInputError(
      field,
      'must be a string: a key id, key ARN, alias name or alias ARN',
    );
  }
  if (keyId.length === 0) throw new InvalidInputError(field, 'must not be empty');
  if (keyId.length > LIMITS.keyId) {
    throw new InvalidInputError(field, `must have at most ${LIMITS.keyId} characters`);
  }
  if (!PRINTABLE.test(keyId)) {
    throw new InvalidInputError(
      field,
      'must not hold spaces, control characters or unpaired surrogates',
    );
  }
  if (keyId.startsWith('arn:')) return parseArn(keyId, field);
  if (keyId.startsWith('alias/')) {
    if (!ALIAS_RESOURCE.test(keyId)) {
      throw new InvalidInputError(
        field,
        "is not an alias: after 'alias/' come letters, digits, ':', '/', '_' and '-' only",
      );
    }
    return ownFields({ kind: 'alias-name', text: keyId, alias: keyId });
  }
  return ownFields({ kind: 'key-id', text: keyId, id: unescapeId(keyId) ?? keyId });
}

function parseArn(arn: string, field: string): KeyName {
  const [, partitionText, service, regionText, accountText, ...rest] = arn.split(':');
  const partition = unescapePart(partitionText);
  const region = unescapePart(regionText);
  const account = unescapePart(accountText);
  if (service === 'kms' && partition && region && account) {
    const resource = rest.join(':');
    const id = resource.startsWith('key/') ? unescapeId(resource.slice(4)) : undefined;
    if (id !== undefined) {
      return ownFields({ kind: 'key-arn', text: arn, id, partition, region, account });
    }
    if (ALIAS_RESOURCE.test(resource)) {
      const scope = { partition, region, account };
      return ownFields({ kind: 'alias-arn', text: arn, alias: resource, ...scope });
    }
  }
  throw new InvalidInputError(
    field,
    'is not a KMS ARN: arn:<partition>:kms:<region>:<account>:key/<id> or ...:alias/<name>, as formatKeyArn writes it',
  );
}

/**
 * Formats the ARN of a key, for example
 * `arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`.
 *
 * Backends other than AWS KMS name keys in other ways. Everything in `id` outside `A-Z a-z 0-9 _ -` (and a `_` or
 * `-` at its beginning) is percent-encoded, in UTF-8 and upper case
 * ([RFC 3986 §2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1)). In the scope only `:`, `%`, spaces and
 * control characters are. {@link parseKeyId} reverses it, and rejects any other escape, so a key has one ARN.
 *
 * @throws {@link InvalidInputError} for what no ARN can name: an empty part, an unpaired surrogate, and more than
 * 2048 characters.
 *
 * @example
 * ```ts
 * import { formatKeyArn } from '@keywrap/core';
 *
 * const scope = { partition: 'vault', region: 'transit', account: '127.0.0.1:8200' };
 * formatKeyArn('orders.v2', scope); // 'arn:vault:kms:transit:127.0.0.1%3A8200:key/orders%2Ev2'
 * ```
 */
export function formatKeyArn(id: string, scope: ArnScope): string {
  // Nearly every ARN needs no escape, and every call formats one. A colon in a part would not match.
  const plain = `arn:${scope.partition}:kms:${scope.region}:${scope.account}:key/${id}`;
  if (plain.length <= LIMITS.keyId && KEY_ARN.test(plain)) return plain;
  return checked(`${arnPrefix(scope)}key/${escapeId(id)}`, 'key');
}

/**
 * Formats the ARN of an alias; `alias` is its name with the prefix: `alias/orders`.
 *
 * @throws {@link InvalidInputError} when it is not the name of an alias, or the ARN is too long.
 */
export function formatAliasArn(alias: string, scope: ArnScope): string {
  return checked(arnPrefix(scope) + alias, 'alias');
}

/** Formats what the ARNs of a scope begin with, escaped: `arn:aws:kms:eu-west-1:111122223333:`. */
export function arnPrefix({ partition, region, account }: ArnScope): string {
  return `arn:${escapePart(partition)}:kms:${escapePart(region)}:${escapePart(account)}:`;
}

/** Returns true for a well-formed key ARN, the form in which results name keys. */
export function isKeyArn(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > LIMITS.keyId) return false;
  return KEY_ARN.test(value) || (value.includes('%') && parsedKind(value) === 'key-arn');
}

function parsedKind(text: string): ParsedKeyId['kind'] | undefined {
  try {
    return parseKeyId(text).kind;
  } catch {
    return undefined;
  }
}

function checked(arn: string, what: 'key' | 'alias'): string {
  if (what === 'key' ? isKeyArn(arn) : parsedKind(arn) === 'alias-arn') return arn;
  throw new InvalidInputError(
    'keyId',
    `can't be part of an ARN: the scope and the name of the ${what} must not be empty, malformed or too long`,
  );
}

function escapeId(id: string): string {
  return id.replace(/[^A-Za-z0-9_-]|^[_-]/gu, percentEncode);
}

function escapePart(text: string): string {
  return text.replace(/[:%\p{C}\p{Z}]/gu, percentEncode);
}

/** Encodes one character in UTF-8; UTF-8 can't encode an unpaired surrogate. */
function percentEncode(character: string): string {
  if (!character.isWellFormed()) return character;
  const hex = (byte: number) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return Array.from(new TextEncoder().encode(character), hex).join('');
}

function unescapeId(text: string): string | undefined {
  if (PLAIN_ID.test(text)) return text;
  return ESCAPED_ID.test(text) ? undo(text, escapeId) : undefined;
}

function unescapePart(text = ''): string | undefined {
  return text.includes('%') ? undo(text, escapePart) : text;
}

/** Undoes an escape; undefined if `write` would not have written it. */
function undo(text: string, write: (plain: string) => string): string | undefined {
  try {
    const plain = decodeURIComponent(text);
    return write(plain) === text ? plain : undefined;
  } catch {
    return undefined;
  }
}
