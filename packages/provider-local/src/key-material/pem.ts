import { InvalidInputError } from '@keywrap/core';
import forge from 'node-forge';
import { toBinaryString } from '../cipher/engines/forge/binary-string.js';
import { type Asn1, parseDer } from './der.js';
import { decryptLegacyPem } from './legacy-pem.js';

const BEGIN = '-----BEGIN ';

/** Whether this is PEM (RFC 7468). Text always is; in bytes, explanatory text may stand before it. */
export function isPem(data: string | Uint8Array): boolean {
  if (typeof data === 'string') return true;
  return data[0] !== 0x30 && toBinaryString(data).includes(BEGIN); // DER begins with SEQUENCE
}

/**
 * Finds the key in PEM. Of a private key and certificates, the private key is meant.
 *
 * @throws InvalidInputError for `keyMaterial` if there is no key, or more than one to choose from.
 */
export function readPem(
  data: string | Uint8Array,
  passphrase: string | undefined,
): { readonly value: Asn1; readonly isDecrypted: boolean } {
  const text = typeof data === 'string' ? data : toBinaryString(data);
  const blocks = text.includes(BEGIN) ? forge.pem.decode(text) : [];
  const privateKeys = blocks.filter(({ type }) => type.endsWith('PRIVATE KEY'));
  const publicKeys = blocks.filter(({ type }) => /(PUBLIC KEY|CERTIFICATE|PKCS12)$/.test(type));

  const [block, ...more] = privateKeys.length > 0 ? privateKeys : publicKeys;
  if (block === undefined) throw new InvalidInputError('keyMaterial', 'holds no key');
  if (more.length > 0) throw new InvalidInputError('keyMaterial', 'holds more than one key');
  if (!block.dekInfo) return { value: parseDer(block.body), isDecrypted: false };
  return { value: decryptLegacyPem(block.dekInfo, block.body, passphrase), isDecrypted: true };
}

/** Writes PEM, 64 characters to the line (RFC 7468 §2). */
export function writePem(label: string, der: Uint8Array): string {
  const pem = forge.pem.encode({ type: label, body: toBinaryString(der) });
  return pem.replaceAll('\r\n', '\n');
}
