import forge from 'node-forge';
import { OID } from './object-identifiers.js';

/** forge's hash; its type declarations leave out that it can start again. */
export type Digest = forge.md.MessageDigest & { start(): Digest };

const DIGEST: Readonly<Record<string, () => forge.md.MessageDigest>> = {
  [OID['id-sha1']]: () => forge.md.sha1.create(),
  [OID['id-sha256']]: () => forge.md.sha256.create(),
  [OID['id-sha384']]: () => forge.md.sha384.create(),
  [OID['id-sha512']]: () => forge.md.sha512.create(),
};

/** The hash with this object identifier, or `undefined` if it is none of SHA-1, -256, -384 and -512. */
export function digestOf(oid: string): Digest | undefined {
  return DIGEST[oid]?.() as Digest | undefined;
}
