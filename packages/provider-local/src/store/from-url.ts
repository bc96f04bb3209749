import { fileURLToPath } from 'node:url';
import { InvalidInputError } from '@keywrap/core';

export { openWithPassphrase } from './open-with-passphrase.js';

/**
 * Returns the location of the store that a URL names: the SQLite file at its path, or the database of a
 * `local+postgres:` URL.
 *
 * @param client The parameters of the URL that are for the database's client.
 * @throws {@link InvalidInputError} (field `url`) when its path cannot name a file.
 */
export function locationOf(
  url: URL,
  client: readonly (readonly [name: string, value: string | undefined])[],
): string {
  if (url.protocol !== 'local:') {
    const database = new URL(`postgres:${url.href.slice(url.protocol.length)}`);
    // Written again without a `+`, which the database's client reads as a space.
    database.search = client
      .flatMap(([name, value]) =>
        value === undefined ? [] : `${name}=${encodeURIComponent(value)}`,
      )
      .join('&');
    return database.href;
  }
  const file = fileOf(url.pathname);
  if (file === undefined) {
    throw wrong(
      'has a path that cannot name a file: what is percent-encoded must be UTF-8, and neither a slash nor NUL',
    );
  }
  if (file.startsWith('/~')) {
    throw wrong(
      'begins its path with ~, which only a shell replaces: write the whole path, as in local:///home/ann/keys.db',
    );
  }
  // On Windows the path has no slash before the drive.
  if (!/^\/[a-z]:/i.test(file)) return file;
  throw wrong(
    'names a drive of Windows, and this is another system: write the path that the file has here',
  );
}

const wrong = (problem: string) => new InvalidInputError('url', problem);

/** Decodes the path of a URL; undefined if no file can have it. */
function fileOf(pathname: string): string | undefined {
  try {
    const file = fileURLToPath(`file://${pathname}`);
    return file.includes('\0') ? undefined : file;
  } catch {
    return undefined;
  }
}
