import {
  type CallOptions,
  InvalidInputError,
  type KeyWrapProvider,
  parseCall,
  readFields,
  readSafely,
  wipe,
} from '@keywrap/core';
import { makeDataKey } from '../keys/wrap-data-key.js';
import { sealAll } from '../seal.js';
import { readSealOptions, type Sealing, type SealOptions } from '../seal-options.js';
import { startWithDataKey } from '../start-message.js';
import { encodeBase64Url } from '../text/base64.js';
import { writeExactJson } from '../text/exact-json.js';
import { encodeUtf8 } from '../text/utf8.js';
import { copyWithFields, type Place, readPointers } from './json-pointer.js';

/** The keys of a record, and its fields to encrypt. */
export interface SealFieldsOptions extends Omit<SealOptions, 'signed' | 'frameLength'> {
  /** Pairs that identify the record, at least one: the table and the primary key. */
  readonly encryptionContext: NonNullable<SealOptions['encryptionContext']>;
  /** JSON Pointers (RFC 6901): `/iban`, `/address/street`. Every record has them; a value may be null. */
  readonly fields: readonly string[];
}

/**
 * Encrypts fields of a JSON record, under one data key for the record. Each field becomes a message in base64url, which
 * {@link openFields} decrypts.
 *
 * A field can't be moved: the pairs bind it to its record, and what is encrypted is its path with its value,
 * `{"path":"/iban","value":...}`. The path is not one of the pairs, because a provider binds the pairs to the data
 * key, and each field would need one.
 *
 * @param record A plain object. It is not changed.
 * @returns A copy of the record with the fields replaced; what is not on the way to a field is not copied.
 * @throws as `seal` does; `InvalidInputError` for a field that the record does not have, and for a value that JSON can't
 * carry exactly, such as a Date, undefined or NaN: the message names its path.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { openFields, sealFields } from '@keywrap/envelope';
 *
 * const fields = ['/iban', '/address/street'];
 * const contextOf = (id: string) => ({ table: 'customers', id });
 *
 * const toRow = (keys: KeyWrapProvider, customer: { id: string; iban: string }) =>
 *   sealFields(
 *     keys,
 *     { keyId: 'alias/customers', encryptionContext: contextOf(customer.id), fields },
 *     customer,
 *   );
 *
 * const fromRow = (keys: KeyWrapProvider, row: { id: string }) =>
 *   openFields(keys, row, {
 *     trustedKeys: ['alias/customers'],
 *     encryptionContext: contextOf(row.id),
 *     fields,
 *   });
 * ```
 */
export async function sealFields(
  provider: KeyWrapProvider,
  options: SealFieldsOptions,
  record: object,
  callOptions?: CallOptions,
): Promise<Record<string, unknown>> {
  const { sealing, call, copy, plaintexts } = readSafely('sealFields', 'options', () => {
    const { fields, ...sealOptions } = readFields(options, 'options', [
      'keyId',
      'otherKeys',
      'encryptionContext',
      'fields',
    ]);
    const sealing = readSealOptions(provider, sealOptions);
    if (Object.keys(sealing.encryptionContext).length === 0) {
      throw new InvalidInputError('encryptionContext', 'must identify the record');
    }
    const { copy, places } = copyWithFields(record, readPointers(fields));
    const plaintexts = places.map(plaintextOf);
    return { sealing, call: parseCall(callOptions), copy, plaintexts };
  });
  try {
    await sealFieldsOf(plaintexts, sealing, call);
    return copy;
  } finally {
    for (const { bytes } of plaintexts) wipe(bytes);
  }
}

/** A field, and what is encrypted for it. */
interface FieldPlaintext {
  readonly place: Place;
  readonly bytes: Uint8Array;
}

function plaintextOf(place: Place): FieldPlaintext {
  const { path, owner, name } = place;
  const value = writeExactJson(owner[name], 'record', path);
  const text = `{"path":${JSON.stringify(path)},"value":${value}}`;
  return { place, bytes: encodeUtf8(text) };
}

async function sealFieldsOf(
  plaintexts: readonly FieldPlaintext[],
  sealing: Sealing,
  call: CallOptions,
): Promise<void> {
  const { keys, encryptionContext, frameLength } = sealing;
  const bytesToEncrypt = plaintexts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const dataKeys = await makeDataKey(keys, encryptionContext, { ...call, bytesToEncrypt });
  try {
    for (const { place, bytes } of plaintexts) {
      const parameters = { encryptionContext, signer: undefined, frameLength };
      const sealer = await startWithDataKey(dataKeys, parameters);
      place.owner[place.name] = encodeBase64Url(await sealAll(sealer, bytes));
    }
  } finally {
    wipe(dataKeys.plaintext);
  }
}
