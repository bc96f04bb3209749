import { readFileSync } from 'node:fs';
import { InvalidInputError } from '@keywrap/core';
import { expect } from 'chai';
import forge from 'node-forge';
import sinon from 'sinon';
import type { Asn1 } from '#dist/cipher/engines/forge/der.js';
import { type PrivateKeyMaterial, readKeyMaterial } from '#dist/key-files/index.js';

/** The passphrase of every encrypted fixture but one. */
export const PASSPHRASE = 'correct-horse';

/** The bytes of a fixture; the compiled tests are in another folder, so the path starts at the package. */
export const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../test/key-files/fixtures/${name}`, import.meta.url));

/** Object identifiers of structures that tests make (RFC 8018, RFC 7914, RFC 5652, RFC 5754). */
export const OID = {
  PBES2: '1.2.840.113549.1.5.13',
  PBKDF2: '1.2.840.113549.1.5.12',
  scrypt: '1.3.6.1.4.1.11591.4.11',
  'aes256-CBC': '2.16.840.1.101.3.4.1.42',
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;

/** An INTEGER of any size, zero or positive. */
export function unsigned(value: bigint | number): Asn1 {
  const hex = `00${value.toString(16).padStart(2, '0')}`;
  const { Class, Type } = forge.asn1;
  const bytes = forge.util.hexToBytes(hex.length % 2 === 0 ? hex : `0${hex}`);
  return forge.asn1.create(Class.UNIVERSAL, Type.INTEGER, false, bytes);
}

/** Both ways in which key files are read: with node:crypto, and as in a browser, where there is none. */
export const PLATFORMS = ['node:crypto', 'node-forge'] as const;

/** Takes node:crypto away from what looks for it, for the tests of this suite. */
export function useBrowserPlatform(): void {
  beforeEach(() => {
    sinon.stub(process, 'getBuiltinModule').returns(undefined as never);
  });
  afterEach(() => sinon.restore());
}

/** Reads what must be a private key. */
export async function readPrivate(
  data: string | Uint8Array,
  passphrase?: string,
): Promise<PrivateKeyMaterial> {
  const key = await readKeyMaterial(data, { passphrase });
  if (key.type !== 'private') throw new Error('not a private key');
  return key;
}

/** Reads what must be rejected, and returns the message. */
export async function rejection(
  data: string | Uint8Array,
  field: 'keyMaterial' | 'passphrase' = 'keyMaterial',
  passphrase?: string,
): Promise<string> {
  const error = await readKeyMaterial(data, { passphrase }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(InvalidInputError).with.property('field', field);
  return (error as InvalidInputError).message;
}
