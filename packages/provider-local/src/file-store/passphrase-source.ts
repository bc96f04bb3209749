import fs from 'node:fs/promises';
import { InvalidInputError } from '@keywrap/core';
import { explainFileError } from './errors.js';

/** Where a passphrase is; one of the two. */
export interface PassphraseSource {
  /** The path of a file. Its last line break, if it ends in one, does not belong to the passphrase. */
  readonly file?: string | undefined;
  /** The name of an environment variable. */
  readonly env?: string | undefined;
}

/**
 * Reads a passphrase from where it is kept, which is neither a URL nor a command line: those end up in
 * logs and lists of processes.
 *
 * @throws {@link InvalidInputError} when neither source or both are named, or the variable is not set,
 * and what {@link explainFileError} makes of a file that can't be read.
 *
 * @example
 * ```ts
 * import { FileKeyStore, passphraseFrom } from '@keywrap/provider-local/file-store';
 *
 * const passphrase = await passphraseFrom({ file: '/run/secrets/keywrap' });
 * const store = await FileKeyStore.open({ folder: '/var/lib/keys', protectedBy: { passphrase } });
 * ```
 */
export async function passphraseFrom({ file, env }: PassphraseSource): Promise<string> {
  if ((file === undefined) === (env === undefined)) {
    throw new InvalidInputError(
      'passphrase',
      'needs exactly one source: passphraseFile (a path) or passphraseEnv (the name of a variable)',
    );
  }
  const passphrase = file === undefined ? process.env[env as string] : await readLine(file);
  if (passphrase !== undefined && passphrase !== '') return passphrase;
  throw new InvalidInputError(
    'passphrase',
    file === undefined
      ? `is not set: the variable ${env} is missing or empty`
      : `is empty: ${file}`,
  );
}

async function readLine(file: string): Promise<string> {
  try {
    return (await fs.readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    throw explainFileError(error, `read the passphrase from ${file}`);
  }
}
