import { newSecret, UnsupportedOperationError } from '@keywrap/core';
import { TAG_LENGTH } from '../cipher/blob.js';
import type { AesKey } from '../cipher/engines/index.js';
import { randomNonce } from '../cipher/random.js';
import { NONCE_LENGTH } from '../cipher/xaes-256-gcm.js';
import { DamagedStoreError } from './errors.js';

// The one file format of the key store; docs/key-store.md has it byte by byte.

/** "kws", followed by the version of the format. */
const MAGIC = Uint8Array.of(0x6b, 0x77, 0x73);
const VERSION = 1;
const VERSION_OFFSET = MAGIC.length;
const KIND_OFFSET = VERSION_OFFSET + 1;
const LENGTH_OFFSET = KIND_OFFSET + 1;
const HEADER_OFFSET = LENGTH_OFFSET + 4;

const CHANGED = 'was changed or cut short: it does not authenticate';
const MALFORMED = 'is genuine, but holds what this release of keywrap does not write';

/** What a file holds, and the byte that says so: `m`, `r`, `b`. */
const KINDS = { manifest: 0x6d, record: 0x72, backup: 0x62 } as const;

/** See {@link sealFile}. */
export type FileKind = keyof typeof KINDS;

/** Which file it is: what an error says of it. */
export interface FileIdentity {
  readonly path: string;
  /** The id of the key whose record it should be. */
  readonly keyId?: string | undefined;
}

/** A file, taken apart without having been authenticated. */
export interface SealedFile extends FileIdentity {
  /** The header, which is JSON. Not to be believed before {@link openFile} has returned. */
  readonly header: unknown;
  /** Everything before the nonce. */
  readonly authenticated: Uint8Array;
  readonly nonce: Uint8Array;
  /** The ciphertext and the tag. */
  readonly sealed: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Encrypts `content` and authenticates it together with the kind and the header, which stay readable.
 *
 * @param header Is written as JSON.
 * @returns The bytes of the file.
 */
export function sealFile(
  key: AesKey,
  kind: FileKind,
  header: object,
  content: Uint8Array,
): Uint8Array {
  const json = encoder.encode(JSON.stringify(header));
  const start = new Uint8Array(HEADER_OFFSET + json.length);
  start.set(MAGIC);
  start[VERSION_OFFSET] = VERSION;
  start[KIND_OFFSET] = KINDS[kind];
  new DataView(start.buffer).setUint32(LENGTH_OFFSET, json.length);
  start.set(json, HEADER_OFFSET);
  const nonce = randomNonce();
  return joined([start, nonce, key.seal(nonce, content, start)]);
}

/**
 * Takes a file apart.
 *
 * @throws {@link DamagedStoreError} when it can't be a file of this kind, and
 * {@link UnsupportedOperationError} when it is of another version of the format.
 */
export function parseFile(identity: FileIdentity, kind: FileKind, bytes: Uint8Array): SealedFile {
  const damaged = (problem: string) => damagedFile(identity, problem);
  if (!MAGIC.every((byte, index) => bytes[index] === byte) || bytes.length <= HEADER_OFFSET) {
    throw damaged(`is foreign or cut short: it is no ${kind} of a key store`);
  }
  const version = bytes[VERSION_OFFSET] as number;
  if (version !== VERSION) {
    throw new UnsupportedOperationError(
      `${identity.path} has version ${version} of the format, and this release of keywrap knows version ${VERSION}; use ${version > VERSION ? 'a newer' : 'an older'} release`,
    );
  }
  if (bytes[KIND_OFFSET] !== KINDS[kind]) {
    throw damaged(`holds something else where a ${kind} belongs`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const nonceOffset = HEADER_OFFSET + view.getUint32(LENGTH_OFFSET);
  const sealedOffset = nonceOffset + NONCE_LENGTH;
  if (bytes.length < sealedOffset + TAG_LENGTH) throw damaged(CHANGED);
  return {
    ...identity,
    header: parseJson(identity, bytes.subarray(HEADER_OFFSET, nonceOffset)),
    authenticated: bytes.subarray(0, nonceOffset),
    nonce: bytes.subarray(nonceOffset, sealedOffset),
    sealed: bytes.subarray(sealedOffset),
  };
}

/** Decrypts the content. @throws {@link DamagedStoreError} when any byte of the file was changed. */
export function openFile(key: AesKey, file: SealedFile): Uint8Array {
  const content = key.open(file.nonce, file.sealed, file.authenticated);
  if (content === undefined) throw damagedFile(file, CHANGED);
  return content;
}

/** Reads JSON. @throws {@link DamagedStoreError} */
export function parseJson(identity: FileIdentity, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    throw damagedFile(identity, CHANGED);
  }
}

/** Puts parts one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = newSecret(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Each part with its length before it, as an unsigned 32-bit number, big-endian. */
export function lengthPrefixed(parts: readonly Uint8Array[]): Uint8Array {
  return joined(
    parts.flatMap((part) => {
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, part.length);
      return [length, part];
    }),
  );
}

/**
 * Takes apart what {@link lengthPrefixed} made. The parts share the memory of the whole.
 *
 * @throws {@link DamagedStoreError} when the last part is cut short.
 */
export function splitLengthPrefixed(identity: FileIdentity, whole: Uint8Array): Uint8Array[] {
  const view = new DataView(whole.buffer, whole.byteOffset, whole.length);
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < whole.length; ) {
    const end = offset + 4 <= whole.length ? offset + 4 + view.getUint32(offset) : Infinity;
    if (end > whole.length) throw malformedFile(identity);
    parts.push(whole.subarray(offset + 4, end));
    offset = end;
  }
  return parts;
}

/** The error for a file that authenticates, but whose content code can't work with. */
export function malformedFile(identity: FileIdentity): DamagedStoreError {
  return damagedFile(identity, MALFORMED);
}

/** Whether JSON is an object or an array, so that its members can be looked at. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function damagedFile({ path, keyId }: FileIdentity, problem: string): DamagedStoreError {
  return new DamagedStoreError(path, problem, { keyId });
}
