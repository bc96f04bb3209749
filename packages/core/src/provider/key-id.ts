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

const PART = '[^:\\p{C}\\p{Z}]+';
const ID = '[A-Za-z0-9][A-Za-z0-9_-]*';
const ALIAS = 'alias/[A-Za-z0-9:/_-]+';
const KEY_RESOURCE = new RegExp(`^key/(${ID})$`);
const ALIAS_RESOURCE = new RegExp(`^${ALIAS}$`);
// Matches what parseKeyId accepts as a key ARN, in one pass: every result of every call is checked with it.
const KEY_ARN = new RegExp(`^arn:${PART}:kms:${PART}:${PART}:key/${ID}$`, 'u');
// A backend's ids may be anything printable; spaces and control characters are mistakes.
const PRINTABLE = /^[^\p{C}\p{Z}]+$/u;

/** Caches parsed identifiers: a service uses few keys, and every call names one. */
const PARSED = new Map<unknown, KeyName>();
const MAXIMUM_PARSED = 500;

/**
 * Parses a key identifier: key id, key ARN, alias name or alias ARN
 * ([KeyId](https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id)).
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
  return ownFields({ kind: 'key-id', text: keyId, id: keyId });
}

function parseArn(arn: string, field: string): KeyName {
  const [, partition, service, region, account, ...rest] = arn.split(':');
  if (service === 'kms' && partition && region && account) {
    const resource = rest.join(':');
    const id = KEY_RESOURCE.exec(resource)?.[1];
    if (id !== undefined) {
      return ownFields({ kind: 'key-arn', text: arn, id, partition, region, account });
    }
    if (ALIAS_RESOURCE.test(resource)) {
      return ownFields({
        kind: 'alias-arn',
        text: arn,
        alias: resource,
        partition,
        region,
        account,
      });
    }
  }
  throw new InvalidInputError(
    field,
    'is not a KMS ARN: arn:<partition>:kms:<region>:<account>:key/<id> or ...:alias/<name>',
  );
}

/**
 * Formats the ARN of a key, for example
 * `arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`.
 */
export function formatKeyArn(id: string, { partition, region, account }: ArnScope): string {
  return `arn:${partition}:kms:${region}:${account}:key/${id}`;
}

/** Formats the ARN of an alias; `alias` is its name with the prefix: `alias/orders`. */
export function formatAliasArn(alias: string, { partition, region, account }: ArnScope): string {
  return `arn:${partition}:kms:${region}:${account}:${alias}`;
}

/** Returns true for a well-formed key ARN, the form in which results name keys. */
export function isKeyArn(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LIMITS.keyId && KEY_ARN.test(value);
}
