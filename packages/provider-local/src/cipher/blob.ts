import { InvalidCiphertextError } from '@keywrap/core';
import { NONCE_LENGTH } from './xaes-256-gcm.js';

/** "kwb" and the version of the format; see docs/blob-format.md. */
const MAGIC = Uint8Array.of(0x6b, 0x77, 0x62, 0x01);
const ID_LENGTH_OFFSET = MAGIC.length;
const ID_OFFSET = ID_LENGTH_OFFSET + 1;
const VERSION_LENGTH = 4;

/** The length of the longest header, whose key id has 255 bytes. */
export const MAXIMUM_HEADER_LENGTH = ID_OFFSET + 255 + VERSION_LENGTH;
/** Of AES-GCM, in bytes. */
export const TAG_LENGTH = 16;

// Made when they are needed: a simulated browser may have none, and a test may only import this package there.
let encoder: InstanceType<typeof TextEncoder> | undefined;
let decoder: InstanceType<typeof TextDecoder> | undefined;

/** The header of a blob, which names the key: everything before the nonce. Authenticated byte for byte. */
export interface BlobHeader {
  /** The id of the key: 1 to 255 bytes of UTF-8. */
  readonly keyId: string;
  /** The key version, counted from 1: an unsigned 32-bit number. */
  readonly materialVersion: number;
}

/** A decoded blob, not authenticated. */
export interface Blob extends BlobHeader {
  /** The bytes of the header. */
  readonly header: Uint8Array;
  readonly nonce: Uint8Array;
  /** The ciphertext and the tag. */
  readonly sealed: Uint8Array;
}

/** Encodes the header of a blob. */
export function encodeBlobHeader({ keyId, materialVersion }: BlobHeader): Uint8Array {
  encoder ??= new TextEncoder();
  const id = encoder.encode(keyId);
  const header = new Uint8Array(ID_OFFSET + id.length + VERSION_LENGTH);
  header.set(MAGIC);
  header[ID_LENGTH_OFFSET] = id.length;
  header.set(id, ID_OFFSET);
  new DataView(header.buffer).setUint32(ID_OFFSET + id.length, materialVersion);
  return header;
}

/** Encodes a blob. */
export function encodeBlob(header: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array {
  const blob = new Uint8Array(header.length + nonce.length + sealed.length);
  blob.set(header);
  blob.set(nonce, header.length);
  blob.set(sealed, header.length + nonce.length);
  return blob;
}

/**
 * Decodes a blob.
 *
 * @throws {@link InvalidCiphertextError} if it is malformed.
 */
export function decodeBlob(blob: Uint8Array): Blob {
  const idLength = blob[ID_LENGTH_OFFSET] ?? 0;
  const versionOffset = ID_OFFSET + idLength;
  const nonceOffset = versionOffset + VERSION_LENGTH;
  const sealedOffset = nonceOffset + NONCE_LENGTH;
  if (!hasMagic(blob) || idLength === 0 || blob.length <= sealedOffset + TAG_LENGTH)
    throw unopenable();
  return {
    keyId: decodeId(blob.subarray(ID_OFFSET, versionOffset)),
    materialVersion: readUint32(blob, versionOffset),
    header: blob.subarray(0, nonceOffset),
    nonce: blob.subarray(nonceOffset, sealedOffset),
    sealed: blob.subarray(sealedOffset),
  };
}

/**
 * Decodes a blob as if its header had this id, in place of as many bytes.
 *
 * @param blob Changed.
 * @throws {@link InvalidCiphertextError} if it is malformed.
 */
export function withKeyId(blob: Uint8Array, keyId: string): Blob {
  const start = encodeBlobHeader({ keyId, materialVersion: 0 }).subarray(0, -VERSION_LENGTH);
  if (blob.length < start.length) throw unopenable();
  blob.set(start);
  return decodeBlob(blob);
}

/** Makes the one error for every ciphertext that does not decrypt: it never says why. */
export function unopenable(): InvalidCiphertextError {
  return new InvalidCiphertextError(
    'the ciphertext does not open: damaged, made elsewhere, or bound to another encryption context',
  );
}

function readUint32({ buffer, byteOffset }: Uint8Array, offset: number): number {
  return new DataView(buffer, byteOffset).getUint32(offset);
}

function hasMagic(blob: Uint8Array): boolean {
  return (
    blob[0] === MAGIC[0] && blob[1] === MAGIC[1] && blob[2] === MAGIC[2] && blob[3] === MAGIC[3]
  );
}

function decodeId(bytes: Uint8Array): string {
  decoder ??= new TextDecoder('utf-8', { fatal: true });
  try {
    return decoder.decode(bytes);
  } catch {
    throw unopenable();
  }
}
