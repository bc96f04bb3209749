import { fileURLToPath } from 'node:url';
import type { KeyStore } from '../keys/key-store.js';
import { FileKeyStore } from './file-key-store.js';
import { type PassphraseSource, passphraseFrom } from './passphrase-source.js';

/** The folder that the path of a URL names. */
export function folderOf(pathname: string): string {
  return fileURLToPath(`file://${pathname}`);
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
