import { strict as assert } from 'node:assert';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { inspect } from 'node:util';
import { type KeyWrapErrorCode, openKeyWrapProvider } from '@keywrap/core';
import { kmsScheme } from '@keywrap/provider-kms';
import { localScheme } from '@keywrap/provider-local';
import { attempt, type FuzzTarget, textOf, utf8 } from '../target.js';

/** For a password or the value of a parameter: no error may repeat it. */
const SECRET = 'hunter2-hunter2';

/**
 * A URL opens a provider or is refused, and no password in it is repeated. Nothing is called, so nothing
 * goes to the network.
 */
export const url: FuzzTarget = {
  name: 'url',
  words: [
    ...[
      'local:',
      'local://',
      'local:///',
      'aws-kms:',
      'aws-kms://',
      '?',
      '&',
      '=',
      ',',
      '#',
      '@',
      ':',
      '%2F',
      '%00',
    ],
    ...[
      'engine=',
      'forge',
      'partition=',
      'region=',
      'account=',
      'keys=',
      'alias/',
      'createMissingKeys=true',
    ],
    ...[
      'passphraseFile=',
      'passphraseEnv=PATH',
      'create=true',
      'endpoint=http://localhost',
      'profile=',
      'maxAttempts=',
      '1e3',
    ],
    ...['connectionTimeout=', 'requestTimeout=', SECRET, `${SECRET}@`, '[::1]', '..', '%', 'ü'],
  ],
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
        const used = URL.canParse(text) ? confined(new URL(text), folder, passphraseFile) : text;
        const codes: KeyWrapErrorCode[] = ['INVALID_INPUT'];
        // Where the URL names a folder that is there.
        if (used !== text) codes.push('UNAVAILABLE', 'ACCESS_DENIED');
        const provider = await attempt(
          () => openKeyWrapProvider(used, [localScheme, kmsScheme]),
          codes,
          isNamed(used) ? [] : [utf8(SECRET)],
        );
        if (provider === undefined) return;
        assert.ok(
          !inspect(provider, { depth: 5 }).includes(SECRET) || !used.includes(`:${SECRET}@`),
        );
        await provider.close();
        assert.deepEqual(await readdir(folder), ['passphrase']);
      },
    };
  },
};

/** The same URL, but with its files in this folder and not wherever the input has them, and making none. */
function confined(input: URL, folder: string, passphraseFile: string): string {
  if (input.protocol !== 'local:' || ['', '/'].includes(input.pathname)) return input.href;
  input.pathname = `${folder}${input.pathname}`;
  if (input.searchParams.has('passphraseFile'))
    input.searchParams.set('passphraseFile', passphraseFile);
  if (input.searchParams.has('create')) input.searchParams.set('create', 'false');
  return input.href;
}

/** Whether it stands where errors may repeat it: in the scheme, or in the name of a parameter or variable. */
function isNamed(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, searchParams, pathname } = new URL(text);
  const names = [
    protocol,
    pathname,
    ...searchParams.keys(),
    ...searchParams.getAll('passphraseEnv'),
  ];
  return names.some((name) => name.includes('hunter2'));
}
