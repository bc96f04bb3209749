import { InvalidInputError, wipe } from '@keywrap/core';
import forge from '#forge';
import { fromBinaryString, toBinaryString } from '../cipher/engines/forge/binary-string.js';
import { parsing } from '../cipher/engines/forge/der.js';
import { decodeBase64, describeText } from './base64.js';
import { assertNoOtherFormat } from './other-formats.js';

/** The content of a file, and the header of PEM that is encrypted as a whole (RFC 1421 §4.6.1.3). */
export interface Found {
  /** DER or BER; a copy. */
  readonly der: Uint8Array;
  readonly dekInfo: { readonly algorithm: string; readonly parameters: string | null } | undefined;
}

/**
 * Finds the key in a file: DER, PEM (RFC 7468) with any text around it, or either of the two in base64, as
 * environment variables hold them. A private key is preferred to certificates.
 *
 * @throws InvalidInputError for `keyMaterial` if there is no key, or more than one.
 */
export function findKey(data: string | Uint8Array): Found {
  if (typeof data !== 'string' && data[0] === 0x30) return plain(Uint8Array.from(data)); // SEQUENCE
  const text = (typeof data === 'string' ? data : decodeText(data))
    .replace(/^\ufeff|^\xef\xbb\xbf/, '')
    .trim();
  assertNoOtherFormat(text);
  if (text.includes('-----BEGIN ')) return findInPem(text);
  const decoded = decodeBase64(text);
  if (decoded?.[0] === 0x30) return plain(decoded);
  if (decoded !== undefined) {
    const inner = toBinaryString(decoded);
    wipe(decoded);
    assertNoOtherFormat(inner);
    if (inner.includes('-----BEGIN ')) return findInPem(inner);
  }
  throw new InvalidInputError(
    'keyMaterial',
    `holds no key: neither PEM nor DER, nor base64 of them; it is ${describeText(text)}`,
  );
}

const plain = (der: Uint8Array): Found => ({ der, dekInfo: undefined });

function findInPem(text: string): Found {
  // An environment variable often has \n where a file has a new line.
  const blocks = parsing(() => forge.pem.decode(text.replaceAll('\\n', '\n')));
  const privateKeys = blocks.filter(({ type }) => type.endsWith('PRIVATE KEY'));
  const publicKeys = blocks.filter(({ type }) => /(PUBLIC KEY|CERTIFICATE|PKCS12)$/.test(type));
  const [block, ...more] = privateKeys.length > 0 ? privateKeys : publicKeys;
  if (block === undefined) throw new InvalidInputError('keyMaterial', 'holds no key');
  if (more.length > 0) throw new InvalidInputError('keyMaterial', 'holds more than one key');
  return { der: fromBinaryString(block.body), dekInfo: block.dekInfo ?? undefined };
}

/** Decodes text: UTF-16 by its byte order mark, as PowerShell writes it; otherwise one character per byte. */
function decodeText(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  return toBinaryString(bytes);
}

/** Encodes PEM, with lines of 64 characters (RFC 7468 §2). */
export function writePem(label: string, der: Uint8Array): string {
  const pem = forge.pem.encode({ type: label, body: toBinaryString(der) });
  return pem.replaceAll('\r\n', '\n');
}
