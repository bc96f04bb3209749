import { InvalidInputError } from '@keywrap/core';
import forge from 'node-forge';
import { fromBinaryString, toBinaryString } from '../cipher/engines/forge/binary-string.js';

const { asn1 } = forge;
const { Class, Type } = asn1;

/** One ASN.1 value, as node-forge holds it. */
export type Asn1 = forge.asn1.Asn1;

/** No key, certificate or PKCS#12 file nests deeper; forge's own limit is 256. */
const MAXIMUM_DEPTH = 32;

// The type declarations of forge's parser know `strict` alone, not the options it takes instead of it.
const fromDer = asn1.fromDer as unknown as (
  der: string,
  options: { strict: true; decodeBitStrings: false; maxDepth: number },
) => Asn1;

/** The one error for input that is not what the ASN.1 module of its standard says; it quotes nothing. */
export function malformed(): InvalidInputError {
  return new InvalidInputError('keyMaterial', 'is damaged, or in no format that can be read');
}

/**
 * Parses DER (X.690), and BER too, which PKCS#12 files are often written in.
 *
 * @param der Bytes, or forge's binary string.
 * @throws InvalidInputError for `keyMaterial` if it is not exactly one ASN.1 value.
 */
export function parseDer(der: Uint8Array | string): Asn1 {
  try {
    return fromDer(typeof der === 'string' ? der : toBinaryString(der), {
      strict: true,
      decodeBitStrings: false, // forge would guess that a BIT STRING may hold ASN.1
      maxDepth: MAXIMUM_DEPTH,
    });
  } catch {
    throw malformed();
  }
}

/** Encodes as DER, into forge's binary string. */
export function derString(value: Asn1): string {
  return asn1.toDer(value).getBytes();
}

/** Encodes as DER. */
export function derBytes(value: Asn1): Uint8Array {
  return fromBinaryString(derString(value));
}

const universal = (type: forge.asn1.Type, constructed: boolean, value: string | Asn1[]): Asn1 =>
  asn1.create(Class.UNIVERSAL, type, constructed, value);

/** SEQUENCE and SEQUENCE OF. */
export const sequence = (...items: Asn1[]): Asn1 => universal(Type.SEQUENCE, true, items);

/** SET and SET OF; the items must be in DER's order already. */
export const set = (...items: Asn1[]): Asn1 => universal(Type.SET, true, items);

/** OBJECT IDENTIFIER from its dotted form. */
export const objectIdentifier = (dotted: string): Asn1 =>
  universal(Type.OID, false, asn1.oidToDer(dotted).getBytes());

/** OCTET STRING from a binary string. */
export const octetString = (binary: string): Asn1 => universal(Type.OCTETSTRING, false, binary);

/** BIT STRING of whole bytes, from a binary string. */
export const bitString = (binary: string): Asn1 => universal(Type.BITSTRING, false, `\0${binary}`);

/** NULL. */
export const nullValue = (): Asn1 => universal(Type.NULL, false, '');

/** INTEGER, zero or positive. */
export function integer(value: bigint | number): Asn1 {
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  const padded = Number.parseInt(even.slice(0, 2), 16) < 0x80 ? even : `00${even}`;
  return universal(Type.INTEGER, false, forge.util.hexToBytes(padded));
}

/** `[tag] EXPLICIT`. */
export const explicit = (tag: number, value: Asn1): Asn1 =>
  // forge's type for a tag number has universal types only; a context-specific tag is a plain number.
  asn1.create(Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, true, [value]);

/** The items of a SEQUENCE. */
export function itemsOf(value: Asn1 | undefined): Asn1[] {
  return childrenOf(value, Class.UNIVERSAL, Type.SEQUENCE);
}

/** What `[tag] EXPLICIT` holds, or `undefined` if `value` is something else or absent. */
export function explicitOf(value: Asn1 | undefined, tag: number): Asn1 | undefined {
  if (!isContext(value, tag)) return undefined;
  const [inner, ...more] = childrenOf(value, Class.CONTEXT_SPECIFIC, tag);
  if (inner === undefined || more.length > 0) throw malformed();
  return inner;
}

/** Whether this is a context-specific value with this tag number. */
export function isContext(value: Asn1 | undefined, tag: number): value is Asn1 {
  return value?.tagClass === Class.CONTEXT_SPECIFIC && value.type === (tag as forge.asn1.Type);
}

/** Whether this is a universal value of this type. */
export function isUniversal(
  value: Asn1 | undefined,
  type: 'SEQUENCE' | 'INTEGER' | 'OCTETSTRING' | 'OID',
): value is Asn1 {
  return value?.tagClass === Class.UNIVERSAL && value.type === Type[type];
}

/** The bytes of an OCTET STRING as a binary string; BER may have cut it into pieces (X.690 §8.7). */
export function octetsOf(value: Asn1 | undefined): string {
  if (value?.constructed && isUniversal(value, 'OCTETSTRING')) {
    return childrenOf(value, Class.UNIVERSAL, Type.OCTETSTRING).map(octetsOf).join('');
  }
  return primitiveOf(value, Type.OCTETSTRING);
}

/** The whole bytes of a BIT STRING as a binary string. */
export function bitsOf(value: Asn1 | undefined): string {
  const contents = primitiveOf(value, Type.BITSTRING);
  if (contents.charCodeAt(0) !== 0) throw malformed(); // unused bits, or empty
  return contents.slice(1);
}

/** The dotted form of an OBJECT IDENTIFIER. */
export function oidOf(value: Asn1 | undefined): string {
  const contents = primitiveOf(value, Type.OID);
  try {
    return asn1.derToOid(contents);
  } catch {
    throw malformed();
  }
}

/** An INTEGER that must not be negative. */
export function unsignedOf(value: Asn1 | undefined): bigint {
  const contents = primitiveOf(value, Type.INTEGER);
  if (contents === '' || contents.charCodeAt(0) >= 0x80) throw malformed();
  return unsignedFromBytes(contents);
}

/** The number whose bytes these are, the most significant first (OS2IP, RFC 8017 §4.2). */
export function unsignedFromBytes(binary: string): bigint {
  return BigInt(`0x0${forge.util.bytesToHex(binary)}`);
}

function childrenOf(value: Asn1 | undefined, tagClass: forge.asn1.Class, tag: number): Asn1[] {
  const matches = value?.tagClass === tagClass && value.type === (tag as forge.asn1.Type);
  if (!matches || !value.constructed || typeof value.value === 'string') throw malformed();
  return value.value;
}

function primitiveOf(value: Asn1 | undefined, type: forge.asn1.Type): string {
  const matches = value?.tagClass === Class.UNIVERSAL && value.type === type;
  if (!matches || value.constructed || typeof value.value !== 'string') throw malformed();
  return value.value;
}
