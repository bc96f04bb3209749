import { type EncryptionContext, LIMITS, serializeEncryptionContext } from '@keywrap/core';
import { type Blob, encodeBlob, MAXIMUM_HEADER_LENGTH, unopenable } from '../cipher/blob.js';
import { randomNonce } from '../cipher/random.js';
import type { KeyRecord, MaterialVersion } from './key-record.js';
import type { LoadedKeys } from './loaded-keys.js';

// Engines read additional data at once, and it is not secret: the same memory serves all calls.
const associated = new Uint8Array(MAXIMUM_HEADER_LENGTH + LIMITS.encryptionContext);

/** Encrypts under the newest material of a symmetric key; the header and the context are authenticated. */
export function sealBlob(
  key: KeyRecord,
  loaded: LoadedKeys,
  plaintext: Uint8Array,
  context: EncryptionContext,
  nonce = randomNonce(),
): Uint8Array {
  const material = key.materials.at(-1) as MaterialVersion;
  const header = loaded.blobHeader(key.id, material);
  const aad = additionalData(header, context);
  const sealed = loaded.aes(key.id, material).seal(nonce, plaintext, aad);
  return encodeBlob(header, nonce, sealed);
}

/** Decrypts with the material that the blob names. @throws {@link InvalidCiphertextError} */
export function openBlob(
  key: KeyRecord,
  loaded: LoadedKeys,
  blob: Blob,
  context: EncryptionContext,
): Uint8Array {
  const material = key.materials.find(({ version }) => version === blob.materialVersion);
  if (material === undefined) throw unopenable();
  const aad = additionalData(blob.header, context);
  const plaintext = loaded.aes(key.id, material).open(blob.nonce, blob.sealed, aad);
  if (plaintext === undefined) throw unopenable();
  return plaintext;
}

/** The header says how long it is, so no other header and context give the same bytes. */
function additionalData(header: Uint8Array, context: EncryptionContext): Uint8Array {
  const serialized = serializeEncryptionContext(context);
  if (serialized.length === 0) return header;
  associated.set(header);
  associated.set(serialized, header.length);
  return associated.subarray(0, header.length + serialized.length);
}
