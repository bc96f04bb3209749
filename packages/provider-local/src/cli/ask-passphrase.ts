import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { InvalidInputError } from '@keywrap/core';
import { type PassphraseSource, passphraseFrom } from '../store/protection/passphrase-source.js';
import { UsageError } from './arguments.js';

type Passphrase = string | Uint8Array;

/** What the command was told about a passphrase. */
export interface PassphraseArguments extends PassphraseSource {
  /** What its options begin with. */
  readonly option: '--passphrase' | '--new-passphrase';
}

/** Reads the passphrase from its source, or from the terminal. @throws {@link UsageError} if there is neither. */
export async function askPassphrase(
  label: string,
  source: PassphraseArguments,
): Promise<Passphrase> {
  const { option } = source;
  if (!isTyped(source)) {
    return passphraseFrom(source).catch((error) => {
      throw withOption(error, option);
    });
  }
  if (!process.stdin.isTTY) {
    throw new UsageError(
      `the ${label} is needed, and there is no terminal to ask on; pass ${option}-file or ${option}-env`,
    );
  }
  return readHidden(`${label}: `);
}

/** Names the options of the command in place of those of the function that it calls. */
function withOption(error: unknown, option: PassphraseArguments['option']): unknown {
  if (!(error instanceof InvalidInputError)) return error;
  const name = option === '--new-passphrase' ? 'new passphrase' : 'passphrase';
  const field = error.field === 'passphraseFile' ? `${option}-file` : name;
  return new InvalidInputError(field, error.message.slice(error.field.length + 1), {
    cause: error,
  });
}

/** As {@link askPassphrase}, but asks twice on a terminal, where a typing error does not show. */
export async function askNewPassphrase(
  label: string,
  source: PassphraseArguments,
): Promise<Passphrase> {
  const passphrase = await askPassphrase(label, source);
  if (isTyped(source) && (await readHidden(`${label}, again: `)) !== passphrase) {
    throw new InvalidInputError('passphrase', 'was typed differently the second time; try again');
  }
  return passphrase;
}

function isTyped({ file, env }: PassphraseSource): boolean {
  return file === undefined && env === undefined;
}

/** Reads a line from the terminal without echo. */
async function readHidden(prompt: string): Promise<string> {
  const { stdin: input, stderr } = process;
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output, terminal: true, historySize: 0 });
  // Not earlier: until now the terminal echoes.
  stderr.write(prompt);
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () => reject(new InvalidInputError('passphrase', 'was not given')));
    });
  } finally {
    lines.close();
    stderr.write('\n');
  }
}
