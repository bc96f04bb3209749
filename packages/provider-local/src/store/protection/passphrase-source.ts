import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import { InvalidInputError, ownFields, wipe } from '@keywrap/core';
import { errorCode, explainFileError } from '../errors.js';

/** The source of a passphrase: exactly one of the two. */
export interface PassphraseSource {
  /** The path of a file. A line break at its end is not part of the passphrase. */
  readonly file?: string | undefined;
  /** The name of an environment variable. */
  readonly env?: string | undefined;
}

/** Longest passphrase file, in bytes. */
const MAXIMUM_LENGTH = 64 * 1024;
/** Problems of the path, as opposed to the disk. */
const NO_FILE: Readonly<Record<string, string>> = {
  ENOENT: 'names a file that does not exist',
  ENOTDIR: 'names a file that does not exist',
  EISDIR: 'names a folder',
  ENAMETOOLONG: 'is too long',
  ELOOP: 'is a loop of symbolic links',
  ERR_INVALID_ARG_VALUE: 'has a NUL character',
};

/**
 * Reads a passphrase from a file or an environment variable. URLs and command lines end up in logs and
 * process lists.
 *
 * @returns Text if the file is UTF-8, otherwise its bytes.
 * @throws {@link InvalidInputError} if neither source or both are named, the variable is not set, or the
 * file is missing, empty, a folder or longer than 64 KiB; `AccessDeniedError` if it may not be read.
 *
 * @example
 * ```ts
 * import { passphraseFrom, SqlKeyStore } from '@keywrap/provider-local/store';
 *
 * const passphrase = await passphraseFrom({ file: '/run/secrets/keywrap' });
 * const store = await SqlKeyStore.open({ location: '/var/lib/keys.db', protectedBy: { passphrase } });
 * ```
 */
export async function passphraseFrom(source: PassphraseSource): Promise<string | Uint8Array> {
  const { file, env }: PassphraseSource = ownFields(source);
  const isText = [file, env].every((value) => value === undefined || typeof value === 'string');
  if (!isText || (file === undefined) === (env === undefined)) {
    throw new InvalidInputError(
      'passphrase',
      'needs exactly one source: a file (passphraseFile) or an environment variable (passphraseEnv)',
    );
  }
  if (file !== undefined) return readPassphraseFile(file);
  const name = env as string;
  const passphrase = Object.hasOwn(process.env, name) ? process.env[name] : undefined;
  if (passphrase !== undefined && passphrase !== '') return passphrase;
  throw new InvalidInputError('passphrase', `is not set: the variable ${env} is missing or empty`);
}

async function readPassphraseFile(file: string): Promise<string | Uint8Array> {
  const bytes = await readBounded(file).catch((error) => {
    const problem = NO_FILE[errorCode(error) ?? ''];
    if (problem === undefined) throw explainFileError(error, `read the passphrase from ${file}`);
    throw new InvalidInputError('passphraseFile', `${problem}: '${file}'`, { cause: error });
  });
  const passphrase = withoutLineBreak(bytes);
  if (passphrase.length === 0) {
    throw new InvalidInputError('passphraseFile', `names an empty file: '${file}'`);
  }
  const text = decodeUtf8(passphrase);
  if (text === undefined) return passphrase;
  wipe(bytes);
  return text;
}

/** @returns `undefined` for bytes that are not UTF-8, and for U+FFFD, which a text passphrase may not contain. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\ufffd') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Reads a file or a pipe to its end, up to the longest passphrase. */
async function readBounded(path: string): Promise<Uint8Array> {
  const file = await fs.open(path, constants.O_RDONLY);
  try {
    const bytes = new Uint8Array(new ArrayBuffer(MAXIMUM_LENGTH + 1));
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, null);
      length += bytesRead;
      if (bytesRead === 0) return bytes.subarray(0, length);
      if (length > MAXIMUM_LENGTH) {
        throw new InvalidInputError(
          'passphraseFile',
          `is longer than ${MAXIMUM_LENGTH} bytes: '${path}'`,
        );
      }
    }
  } finally {
    await file.close();
  }
}

function withoutLineBreak(bytes: Uint8Array): Uint8Array {
  const [LF, CR] = [0x0a, 0x0d];
  if (bytes.at(-1) !== LF) return bytes;
  return bytes.subarray(0, bytes.at(-2) === CR ? -2 : -1);
}
