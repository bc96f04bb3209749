import { TAG_LENGTH } from '../../cipher/blob.js';
import { NONCE_LENGTH } from '../../cipher/xaes-256-gcm.js';
import { isAcceptableCost, type ScryptCost } from './passphrase.js';
import { KEY_LENGTH } from './store-key.js';

/**
 * The wrapped key of a store: JSON in clear text, with bytes in base64.
 *
 * An attacker who can write the store can write this too, so {@link parseProtectionRecord} checks it before
 * any part is used.
 */
export type ProtectionRecord = PassphraseRecord | ProviderRecord;

export interface PassphraseRecord {
  readonly by: 'passphrase';
  /** With a salt of 16 random bytes. */
  readonly scrypt: ScryptCost & { readonly salt: string };
  /** 32 bytes that commit to one passphrase: see `passphrase-protection.ts`. */
  readonly commitment: string;
  /** The nonce, the encrypted key and the tag. */
  readonly wrapped: string;
}

export interface ProviderRecord {
  readonly by: 'provider';
  /** The id of the provider and the ARN of its key, for messages only. */
  readonly provider: string;
  readonly keyId: string;
  /** The ciphertext that the provider returned. */
  readonly wrapped: string;
}

export const SALT_LENGTH = 16;
export const COMMITMENT_LENGTH = 32;
const WRAPPED_LENGTH = NONCE_LENGTH + KEY_LENGTH + TAG_LENGTH;
/** As for a ciphertext of [AWS KMS](https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html). */
const MAXIMUM_CIPHERTEXT = 6144;
/** Names appear in messages: no control characters, nothing longer than an ARN. */
const NAME = /^[\x21-\x7e]{1,2048}$/;

/**
 * Parses a record.
 *
 * @param value The result of JSON.parse.
 * @returns `undefined` for anything that {@link ProtectionRecord} does not allow: another field, another
 * length, an scrypt cost that is too low or too high.
 */
export function parseProtectionRecord(value: unknown): ProtectionRecord | undefined {
  const { by } = fieldsOf(value);
  if (by === 'passphrase') return parsePassphraseRecord(value);
  return by === 'provider' ? parseProviderRecord(value) : undefined;
}

function parsePassphraseRecord(value: unknown): PassphraseRecord | undefined {
  const { scrypt, commitment, wrapped } = fieldsOf(value, 'by', 'scrypt', 'commitment', 'wrapped');
  const names = ['cost', 'blockSize', 'parallelization', 'salt'] as const;
  const { salt, ...parameters } = fieldsOf(scrypt, ...names);
  const cost = parameters as unknown as ScryptCost;
  return isBase64(salt, SALT_LENGTH) &&
    isAcceptableCost(cost) &&
    isBase64(commitment, COMMITMENT_LENGTH) &&
    isBase64(wrapped, WRAPPED_LENGTH)
    ? { by: 'passphrase', scrypt: { ...cost, salt }, commitment, wrapped }
    : undefined;
}

function parseProviderRecord(value: unknown): ProviderRecord | undefined {
  const { provider, keyId, wrapped } = fieldsOf(value, 'by', 'provider', 'keyId', 'wrapped');
  return isName(provider) && isName(keyId) && isBase64(wrapped, 1, MAXIMUM_CIPHERTEXT)
    ? { by: 'provider', provider, keyId, wrapped }
    : undefined;
}

/** Returns the own fields of an object, or none if it has any other field. */
function fieldsOf(value: unknown, ...names: readonly string[]): Readonly<Record<string, unknown>> {
  const none: Record<string, unknown> = Object.create(null);
  if (typeof value !== 'object' || value === null) return none;
  const isKnown = (name: string) => names.length === 0 || names.includes(name);
  return Object.keys(value).every(isKnown) ? Object.assign(none, value) : none;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

/** Tells whether this is the canonical base64 of so many bytes. */
function isBase64(value: unknown, minimum: number, maximum = minimum): value is string {
  if (typeof value !== 'string' || value.length > 4 * Math.ceil(maximum / 3)) return false;
  const bytes = Buffer.from(value, 'base64');
  return bytes.length >= minimum && bytes.length <= maximum && bytes.toString('base64') === value;
}
