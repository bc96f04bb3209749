import { fileURLToPath } from 'node:url';
import { InvalidInputError } from '@keywrap/core';
import type { KeyStore } from '../old/key-store.js';
import { FileKeyStore } from './file-key-store.js';
import { type PassphraseSource, passphraseFrom } from './passphrase-source.js';

/** The folder that the path of a URL names. @throws InvalidInputError for `url`, when it can't name one. */
export function folderOf(pathname: string): string {
  try {
    const folder = fileURLToPath(`file://${pathname}`);
    if (!folder.includes('\0')) return folder;
  } catch {
    // See below.
  }
  throw new InvalidInputError(
    'url',
    'has a path that names no folder: what is percent-encoded must be UTF-8, and neither a slash nor NUL',
  );
}

/** Opens the store in a folder, with the passphrase from where it is kept. */
export async function openFolder(
  folder: string,
  source: PassphraseSource,
  create: boolean | undefined,
): Promise<KeyStore> {
  const passphrase = await passphraseFrom(source);
  return FileKeyStore.open({ folder, protectedBy: { passphrase }, create });
}
