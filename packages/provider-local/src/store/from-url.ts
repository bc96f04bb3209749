import { fileURLToPath } from 'node:url';
import { InvalidInputError } from '@keywrap/core';

export { openWithPassphrase } from './open-with-passphrase.js';

/**
 * Returns the location of the store that a URL names: the SQLite file at its path, or the database of a
 * `local+postgres:` URL.
 *
 * @param kept The parameters of the URL that are the database's.
 * @throws {@link InvalidInputError} (field `url`) when its path cannot name a file.
 */
export function locationOf(url: URL, kept: readonly string[]): string {
  if (url.protocol !== 'local:') {
    const database = new URL(`postgres:${url.href.slice(url.protocol.length)}`);
    for (const name of [...database.searchParams.keys()]) {
      if (!kept.includes(name)) database.searchParams.delete(name);
    }
    return database.href;
  }
  try {
    const file = fileURLToPath(`file://${url.pathname}`);
    if (!file.includes('\0')) return file;
  } catch {
    // See below.
  }
  throw new InvalidInputError(
    'url',
    'has a path that cannot name a file: what is percent-encoded must be UTF-8, and neither a slash nor NUL',
  );
}
