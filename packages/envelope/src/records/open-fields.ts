import {
  type CallOptions,
  copyBytes,
  DecryptResult,
  InvalidInputError,
  type KeyWrapProvider,
  parseCall,
  readFields,
  readSafely,
  wipe,
} from '@keywrap/core';
import { damagedMessage, errorOf } from '../errors.js';
import { unwrapDataKey } from '../keys/unwrap-data-key.js';
import { openMessage } from '../open.js';
import { OPEN_FIELDS, type Opening, type OpenOptions, readOpening } from '../open-options.js';
import { decodeBase64Url } from '../text/base64.js';
import { decodeExactUtf8 } from '../text/utf8.js';
import { copyWithFields, type Place, readPointers } from './json-pointer.js';

/** The keys that may open a record, the pairs that identify it, and its encrypted fields. */
export interface OpenFieldsOptions extends OpenOptions {
  /** The pairs that identify the record, as `sealFields` was given them: at least one. */
  readonly encryptionContext: OpenOptions['encryptionContext'];
  /** The JSON Pointers that `sealFields` was given, or some of them. */
  readonly fields: readonly string[];
}

/**
 * Decrypts fields of a record that {@link sealFields} encrypted. The data key of the record is unwrapped once.
 *
 * @param record A plain object. It is not changed.
 * @returns A copy of the record with the fields replaced; what is not on the way to a field is not copied.
 * @throws as `open` does, also for a field of another record or another path; the error starts with the path of the field.
 * `InvalidInputError` for a field that the record does not have, or that is in clear: it is never returned as it is.
 */
export async function openFields(
  provider: KeyWrapProvider,
  record: object,
  options: OpenFieldsOptions,
  callOptions?: CallOptions,
): Promise<Record<string, unknown>> {
  const { opening, call, copy, places } = readSafely('openFields', 'options', () => {
    const { fields, ...others } = readFields(options, 'options', [...OPEN_FIELDS, 'fields']);
    const opening = readOpening(provider, others);
    if (Object.keys(opening.encryptionContext).length === 0) {
      throw new InvalidInputError('encryptionContext', 'must identify the record');
    }
    return {
      opening,
      call: parseCall(callOptions),
      ...copyWithFields(record, readPointers(fields)),
    };
  });
  const dataKey = new RecordDataKey();
  try {
    for (const place of places) {
      await openField(place, opening, call, dataKey).catch((error) => {
        throw errorOf('openFields', error, place.path);
      });
    }
    return copy;
  } finally {
    dataKey.wipe();
  }
}

async function openField(
  { path, owner, name }: Place,
  opening: Opening,
  call: CallOptions,
  dataKey: RecordDataKey,
): Promise<void> {
  const text = owner[name];
  const message = typeof text === 'string' ? decodeBase64Url(text) : undefined;
  if (message === undefined || message.length === 0) {
    throw new InvalidInputError('message', 'was not sealed: it is not a text in base64url');
  }
  const { plaintext } = await openMessage(message, opening, call, dataKey.unwrap);
  const content = parseField(plaintext);
  wipe(plaintext);
  // A field of the same record at another path.
  if (content === undefined || content.path !== path) throw damagedMessage();
  owner[name] = content.value;
}

function parseField(plaintext: Uint8Array): { path: unknown; value: unknown } | undefined {
  try {
    const text = decodeExactUtf8(plaintext);
    const content: unknown = JSON.parse(text);
    const isField =
      typeof content === 'object' && content !== null && 'path' in content && 'value' in content;
    return isField ? content : undefined;
  } catch {
    return undefined;
  }
}

/** Unwraps the data key that the fields of a record share, once. */
class RecordDataKey {
  #name: string | undefined;
  #dataKey: DecryptResult | undefined;

  readonly unwrap: typeof unwrapDataKey = async (dataKeys, trustedKeys, context, ...others) => {
    const parts = dataKeys.map(({ ciphertext, providerInfo, providerId }) => [
      providerId,
      String(providerInfo),
      String(ciphertext),
    ]);
    const name = JSON.stringify([parts, Object.entries(context), others[0]]);
    if (this.#dataKey === undefined || this.#name !== name) {
      this.wipe();
      this.#dataKey = await unwrapDataKey(dataKeys, trustedKeys, context, ...others);
      this.#name = name;
    }
    const { plaintext, keyId, algorithm } = this.#dataKey;
    return new DecryptResult({ plaintext: copyBytes(plaintext), keyId, algorithm });
  };

  wipe(): void {
    if (this.#dataKey !== undefined) wipe(this.#dataKey.plaintext);
    this.#dataKey = undefined;
  }
}
