import { InvalidInputError, type OwnedBytes } from '@keywrap/core';
import forge from '#forge';
import { fromBinaryString, toBinaryString } from './binary-string.js';

const { asn1 } = forge;
const { Class, Type } = asn1;

/** An ASN.1 value of node-forge. */
export type Asn1 = forge.asn1.Asn1;

/** No key, certificate or PKCS#12 file nests deeper; forge's own limit is 256. */
const MAXIMUM_DEPTH = 32;

/** The longest accepted object identifier, in bytes. */
const MAXIMUM_OID_LENGTH = 64;

// The type declarations of forge's parser have only `strict`, not the options that it accepts instead.
const fromDer = asn1.fromDer as unknown as (
  der: string,
  options: { strict: true; decodeBitStrings: false; maxDepth: number },
) => Asn1;

/** Makes the one error for input that violates the ASN.1 module of its standard. It quotes nothing. */
export function malformed(): InvalidInputError {
  return new InvalidInputError('keyMaterial', 'is damaged, or in an unsupported format');
}

/** Calls a parser of a library, whose errors mean that its input is malformed and may quote it. */
export function parsing<T>(parse: () => T): T {
  try {
    return parse();
  } catch {
    throw malformed();
  }
}

/**
 * Parses DER (X.690), and BER too, in which PKCS#12 files are often written.
 *
 * @throws InvalidInputError for `keyMaterial` unless it is exactly one ASN.1 value whose object
 *   identifiers are encoded as X.690 §8.19.2 says.
 */
export function parseDer(der: Uint8Array): Asn1 {
  const options = { strict: true, decodeBitStrings: false, maxDepth: MAXIMUM_DEPTH } as const;
  const value = parsing(() => fromDer(toBinaryString(der), options));
  assertObjectIdentifiers(value);
  return value;
}

/** Checks object identifiers: forge accepts an empty one, a truncated one, and one padded with 0x80. */
function assertObjectIdentifiers(value: Asn1): void {
  if (typeof value.value !== 'string') value.value.forEach(assertObjectIdentifiers);
  else if (!isUniversal(value, 'OID')) return;
  else if (value.value.length > MAXIMUM_OID_LENGTH) throw malformed();
  else if (!/^(?:(?:[\x81-\xff][\x80-\xff]*)?[^\x80-\xff])+$/.test(value.value)) throw malformed();
}

/** Encodes as DER. */
export function derBytes(value: Asn1): OwnedBytes {
  return fromBinaryString(asn1.toDer(value).getBytes());
}

const universal = (type: forge.asn1.Type, constructed: boolean, value: string | Asn1[]): Asn1 =>
  asn1.create(Class.UNIVERSAL, type, constructed, value);

/** SEQUENCE and SEQUENCE OF. */
export const sequence = (...items: Asn1[]): Asn1 => universal(Type.SEQUENCE, true, items);

/** OBJECT IDENTIFIER from its dotted form. */
export const objectIdentifier = (dotted: string): Asn1 =>
  universal(Type.OID, false, asn1.oidToDer(dotted).getBytes());

/** OCTET STRING. */
export const octetString = (bytes: Uint8Array): Asn1 =>
  universal(Type.OCTETSTRING, false, toBinaryString(bytes));

/** BIT STRING of whole bytes. */
export const bitString = (bytes: Uint8Array): Asn1 =>
  universal(Type.BITSTRING, false, `\0${toBinaryString(bytes)}`);

/** NULL. */
export const nullValue = (): Asn1 => universal(Type.NULL, false, '');

/** INTEGER, zero or positive and safe. */
export const integer = (value: number): Asn1 =>
  universal(Type.INTEGER, false, asn1.integerToDer(value).getBytes());

/** `[tag] EXPLICIT`. */
export const explicit = (tag: number, value: Asn1): Asn1 =>
  // forge's type for a tag number has universal types only; a context-specific tag is a plain number.
  asn1.create(Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, true, [value]);

/** The items of a SEQUENCE. */
export function itemsOf(value: Asn1 | undefined): Asn1[] {
  if (!isUniversal(value, 'SEQUENCE') || typeof value.value === 'string') throw malformed();
  return value.value;
}

/** Returns the content of `[tag] EXPLICIT`, or `undefined` if `value` is something else or absent. */
export function explicitOf(value: Asn1 | undefined, tag: number): Asn1 | undefined {
  if (!isContext(value, tag)) return undefined;
  if (typeof value.value === 'string' || value.value.length !== 1) throw malformed();
  return value.value[0];
}

/** Tells whether this is a context-specific value with this tag number. */
export function isContext(value: Asn1 | undefined, tag: number): value is Asn1 {
  return value?.tagClass === Class.CONTEXT_SPECIFIC && value.type === (tag as forge.asn1.Type);
}

/** Tells whether this is a universal value of this type. */
export function isUniversal(
  value: Asn1 | undefined,
  type: 'SEQUENCE' | 'INTEGER' | 'OCTETSTRING' | 'BITSTRING' | 'OID',
): value is Asn1 {
  return value?.tagClass === Class.UNIVERSAL && value.type === Type[type];
}

/** The bytes of an OCTET STRING, also one under `[0] IMPLICIT`; BER may have cut it into pieces (X.690 §8.7). */
export function octetsOf(value: Asn1 | undefined): Uint8Array {
  const binary = (piece: Asn1 | undefined): string => {
    if (!isUniversal(piece, 'OCTETSTRING') && !isContext(piece, 0)) throw malformed();
    return typeof piece.value === 'string' ? piece.value : piece.value.map(binary).join('');
  };
  return fromBinaryString(binary(value));
}

/** The whole bytes of a BIT STRING. */
export function bitsOf(value: Asn1 | undefined): Uint8Array {
  const isWhole = isUniversal(value, 'BITSTRING') && typeof value.value === 'string';
  if (!isWhole || (value.value as string).charCodeAt(0) !== 0) throw malformed(); // unused bits, or empty
  return fromBinaryString((value.value as string).slice(1));
}

/** The dotted form of an OBJECT IDENTIFIER. */
export function oidOf(value: Asn1 | undefined): string {
  if (!isUniversal(value, 'OID') || typeof value.value !== 'string') throw malformed();
  const contents = value.value;
  return parsing(() => asn1.derToOid(contents));
}

/** A count: an INTEGER as a number. It is inexact above 2⁵³, which is too large for every use. */
export const countOf = (value: Asn1 | undefined): number => Number(unsignedOf(value));

/** An INTEGER that must not be negative. */
export function unsignedOf(value: Asn1 | undefined): bigint {
  if (!isUniversal(value, 'INTEGER') || typeof value.value !== 'string') throw malformed();
  if (value.value === '' || value.value.charCodeAt(0) >= 0x80) throw malformed();
  return BigInt(`0x${forge.util.bytesToHex(value.value)}`);
}
