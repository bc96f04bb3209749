import { strict as assert } from 'node:assert';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openKeyWrapProvider } from '@keywrap/core';
import { kmsScheme } from '@keywrap/provider-kms';
import { localScheme } from '@keywrap/provider-local';
import { attempt, type FuzzTarget, textOf, utf8 } from '../target.js';

/** For a password or the value of a parameter: no error may repeat it. */
const SECRET = 'hunter2-hunter2';

const WORDS =
  'local: local:// local:/// aws-kms: aws-kms:// ? & = , # @ : %2F %00 % .. [::1] ü 1e3 ' +
  'engine= forge partition= region= account= keys= alias/ createMissingKeys=true create=true ' +
  'passphraseFile= passphraseEnv=PATH endpoint=http://localhost profile= maxAttempts= ' +
  `connectionTimeout= requestTimeout= ${SECRET} ${SECRET}@`;

/**
 * A URL opens a provider or is rejected, and no password in it is repeated. Nothing is called, so nothing
 * goes to the network.
 */
export const url: FuzzTarget = {
  name: 'url',
  words: WORDS.split(' '),
  async open(folder) {
    const passphraseFile = path.join(folder, 'passphrase');
    await writeFile(passphraseFile, SECRET);
    return {
      seeds: [
        'local:',
        'local:?engine=forge&partition=aws-cn&region=cn-north-1&account=999988887777&keys=alias/orders,b',
        'local:?keys=alias%2Forders&createMissingKeys=true&engine=node',
        `local:///keys?passphraseFile=/run/secrets/passphrase`,
        'local:///keys?passphraseEnv=PATH&create=false',
        `local://user:${SECRET}@host/`,
        'aws-kms://',
        'aws-kms://eu-west-1?maxAttempts=5&connectionTimeout=100&requestTimeout=100&profile=a',
        `aws-kms://eu-west-1?endpoint=http://user:${SECRET}@localhost:4599/`,
        `aws-kms://:${SECRET}@eu-west-1`,
      ].map(utf8),
      async run(input) {
        const text = textOf(input);
        const parsed = URL.canParse(text) ? new URL(text) : undefined;
        const namesFolder = parsed !== undefined && hasFolder(parsed);
        const used = namesFolder ? confined(parsed, folder, passphraseFile) : text;
        const provider = await attempt(
          () => openKeyWrapProvider(used, [localScheme, kmsScheme]),
          namesFolder ? ['INVALID_INPUT', 'UNAVAILABLE', 'ACCESS_DENIED'] : ['INVALID_INPUT'],
          parsed !== undefined && isNamed(parsed) ? [] : [utf8(SECRET)],
        );
        if (provider === undefined) return;
        await provider.close();
        assert.deepEqual(await readdir(folder), ['passphrase']);
      },
    };
  },
};

/** Tells whether its keys are in a folder, not in memory. */
function hasFolder({ protocol, pathname }: URL): boolean {
  return protocol === 'local:' && !['', '/'].includes(pathname);
}

/** The same URL, but with its files in this folder and not wherever the input has them, and making none. */
function confined(input: URL, folder: string, passphraseFile: string): string {
  const { searchParams } = input;
  input.pathname = `${folder}${input.pathname}`;
  if (searchParams.has('passphraseFile')) searchParams.set('passphraseFile', passphraseFile);
  if (searchParams.has('create')) searchParams.set('create', 'false');
  return input.href;
}

/** Tells whether errors may quote it: it is in the scheme, a path, or the name of a parameter or variable. */
function isNamed({ protocol, searchParams, pathname }: URL): boolean {
  const variables = searchParams.getAll('passphraseEnv');
  const names = [protocol, pathname, ...searchParams.keys(), ...variables];
  // Every part of the secret that is looked for in an error has this in it.
  return names.some((name) => name.includes('r2-hunt'));
}
