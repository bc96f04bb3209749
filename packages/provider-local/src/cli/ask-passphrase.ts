import { InvalidInputError } from '@keywrap/core';
import { type PassphraseSource, passphraseFrom } from '../file-store/passphrase-source.js';

/** The passphrase from its source, or from the terminal. @throws {@link InvalidInputError} */
export async function askPassphrase(label: string, source: PassphraseSource): Promise<string> {
  if (source.file !== undefined || source.env !== undefined) return passphraseFrom(source);
  if (!process.stdin.isTTY) {
    throw new InvalidInputError(
      'passphrase',
      'is needed, and there is no terminal to ask on; give --passphrase-file or --passphrase-env',
    );
  }
  return readHidden(`${label}: `);
}

/** As {@link askPassphrase}, but on a terminal twice: nobody sees what they mistype. */
export async function askNewPassphrase(label: string, source: PassphraseSource): Promise<string> {
  const passphrase = await askPassphrase(label, source);
  const isTyped = source.file === undefined && source.env === undefined;
  if (isTyped && (await readHidden(`${label}, again: `)) !== passphrase) {
    throw new InvalidInputError('passphrase', 'was typed differently the second time; try again');
  }
  return passphrase;
}

const ENTER = new Set(['\r', '\n', '\u0004']);
const BACKSPACE = new Set(['\u007f', '\b']);
const CONTROL_C = '\u0003';

/** Reads a line from the terminal, which does not show it. */
async function readHidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  stderr.write(prompt);
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed: string[] = [];
      const onData = (chunk: string) => {
        for (const character of chunk) {
          if (BACKSPACE.has(character)) typed = typed.slice(0, -1);
          else if (ENTER.has(character) || character === CONTROL_C) {
            stdin.off('data', onData);
            if (character === CONTROL_C)
              reject(new InvalidInputError('passphrase', 'was not given'));
            else resolve(typed.join(''));
            return;
          } else typed.push(character);
        }
      };
      stdin.on('data', onData);
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
