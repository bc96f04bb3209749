import { readFileSync } from 'node:fs';
import { InvalidInputError } from '@keywrap/core';
import { expect } from 'chai';
import { type PrivateKeyMaterial, readKeyMaterial } from '#dist/key-material/index.js';

/** The passphrase of every encrypted fixture but one. */
export const PASSPHRASE = 'correct-horse';

/** The bytes of a fixture; the compiled tests are in another folder, so the path starts at the package. */
export const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../test/key-material/fixtures/${name}`, import.meta.url));

/** Reads what must be a private key. */
export async function readPrivate(
  data: string | Uint8Array,
  passphrase?: string,
): Promise<PrivateKeyMaterial> {
  const key = await readKeyMaterial(data, { passphrase });
  if (key.type !== 'private') throw new Error('not a private key');
  return key;
}

/** Reads what must be refused, and returns the message. */
export async function refusal(
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
